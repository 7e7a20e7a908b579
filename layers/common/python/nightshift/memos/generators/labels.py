"""Words that stand above or before a text without being what it is about."""

from nightshift.memos.generators.tokens import vocabulary

GENERIC = vocabulary(
    "memo memorandum notes introduction overview summary abstract contents conclusion note "
    "background description details "
    "einleitung zusammenfassung überblick notizen introduction résumé"
)
SUBJECT = frozenset({"subject", "betreff", "objet", "title", "titel", "titre", "re"})
ADMIN = SUBJECT | vocabulary(
    "date from to cc bcc author time place location present attendees apologies version status "
    "page source sources note hint tip warning example datum von an autor ort anwesend quelle "
    "hinweis beispiel merke de à auteur lieu remarque exemple http https see"
)
ASIDE = vocabulary("hint tip note example exam todo hinweis beispiel merke remarque exemple")
"""Words of a label over what is said beside the matter."""
