"""Every key of the tasks table. All of an owner's tasks lie in one partition."""

from nightshift.aws.dynamo import Item

OWNER = "U#"
TASK = "T#"
KEY = "K#"
FLOW = "F#"
SECRET = "SECRET"


def owner(owner_id: str) -> str:
    """Return the partition of an owner's tasks."""
    return OWNER + owner_id


def task(owner_id: str, task_id: str) -> Item:
    """Return the key of a task."""
    return {"pk": owner(owner_id), "sk": TASK + task_id}


def by_key(owner_id: str, key: str) -> Item:
    """Return the key of the pointer from the owner's own key to a task."""
    return {"pk": owner(owner_id), "sk": KEY + key}


def flow_key(owner_id: str, key: str) -> Item:
    """Return the key of one of the owner's flow-control keys."""
    return {"pk": owner(owner_id), "sk": FLOW + key}


def secret(owner_id: str) -> Item:
    """Return the key of the state of an owner's signing secret."""
    return {"pk": owner(owner_id), "sk": SECRET}
