"""All mutants."""

from tests.mutants.access import ACCESS
from tests.mutants.claims import CLAIMS
from tests.mutants.endings import ENDINGS
from tests.mutants.flow import FLOW
from tests.mutants.limits import LIMITS
from tests.mutants.oidc import OIDC
from tests.mutants.queues import QUEUES
from tests.mutants.unique import UNIQUE
from tests.mutants.walks import WALKS

MUTANTS = (*ACCESS, *CLAIMS, *ENDINGS, *FLOW, *LIMITS, *OIDC, *QUEUES, *UNIQUE, *WALKS)
