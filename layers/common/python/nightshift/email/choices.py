"""What users do not want to get, in the email table."""

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
