"""What users do not want to get, in the email table."""

from collections.abc import Mapping

from nightshift.aws.dynamo import Delete, Put, Table
from nightshift.email import keys
from nightshift.email.model import Category


class ChoiceStore:
    """Categories that users said farewell to; what is not here is wanted."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def unwanted(self, user_id: str) -> list[Category]:
        """Return what the user does not want."""
        items = self._table.query(keys.user_pk(user_id), prefix=keys.UNWANTED, consistent=True)
        return [Category(item["category"]) for item in items]

    def stop(self, user_id: str, category: Category) -> None:
        """Note that the user does not want `category`."""
        item = keys.unwanted(user_id, category) | {"category": category.value}
        self._table.write(Put(table=self._table.name, item=item))

    def resume(self, user_id: str, category: Category) -> None:
        """Note that the user wants `category` again."""
        self._table.write(Delete(table=self._table.name, key=keys.unwanted(user_id, category)))

    def wanted(self, user_id: str) -> Mapping[str, bool]:
        """Return every category, and whether the user wants it."""
        unwanted = self.unwanted(user_id)
        return {category.value: category not in unwanted for category in Category}

    def choose(self, user_id: str, wanted: Mapping[str, bool]) -> None:
        """Note whether the user wants the categories named."""
        for name, is_wanted in wanted.items():
            (self.resume if is_wanted else self.stop)(user_id, Category(name))

    def farewell(self, user_id: str) -> list[Delete]:
        """Return the writes by which the choices go with their user."""
        every = [keys.unwanted(user_id, category) for category in Category]
        return [Delete(table=self._table.name, key=key) for key in every]
