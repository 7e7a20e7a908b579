"""The engine under everything that happens in the background.

`worker` runs deliveries, `decision` says what to do with one, `store` holds seats and records,
`agenda` holds what is due later, `dispatch` moves it to the queue, `sweeper` finds what was lost.
A kind of job is declared by the context that owns it (`model.Kind`).
"""
