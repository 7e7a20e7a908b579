"""The audit log: every act that concerns security, once written, never changed.

Other contexts write through `service.Audit`: `parts` gives writes for the transaction of the act
itself, so that neither happens without the other; `record` writes on its own and never fails the
act.
"""
