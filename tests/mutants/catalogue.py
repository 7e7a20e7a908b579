"""All mutants."""

from tests.mutants.claims import CLAIMS
from tests.mutants.endings import ENDINGS
from tests.mutants.limits import LIMITS
from tests.mutants.walks import WALKS

MUTANTS = (*CLAIMS, *ENDINGS, *LIMITS, *WALKS)
