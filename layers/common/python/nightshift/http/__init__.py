'''The HTTP edge: a small typed resolver for API Gateway HTTP APIs (payload format 2.0).

How a context declares its routes, in its `api.py`:

    router: Router[TaskService] = Router(tag="Tasks")

    class TaskIn(ApiModel): ...            # request bodies: strict, unknown fields refused
    class TaskOut(ApiModel): ...           # answers; times as UtcTime
    class TaskQuery(PageQuery):            # ?limit= and ?cursor= come with PageQuery
        task_status: TaskStatus | None = None

    @router.route(
        "POST", "/tasks", Permission.TASKS_WRITE, body=TaskIn, answer=TaskOut, status=201,
        idempotent=True, etag=True, errors=(TaskLimitError,),
    )
    def create_task(tasks: TaskService, request: Request[TaskIn]) -> Reply:
        """Create a task.

        The first line is the OpenAPI summary, the rest the description.
        """
        task = tasks.create(request.caller.user_id, request.body)
        return Reply(body=TaskOut.of(task), version=task.version,
                     headers={"location": f"/api/v1/tasks/{task.id}"})

    @router.route("GET", "/tasks", Permission.TASKS_READ, query=TaskQuery, answer=TaskPage)
    def list_tasks(tasks: TaskService, request: Request[NoBody, TaskQuery]) -> Reply:
        page = tasks.page(request.caller.user_id, after=request.position(), ...)
        return Reply(body=TaskPage(items=[...], next_cursor=request.next_cursor(page.last)))

The access argument is required: a `Permission`, or `PUBLIC`. `request.path["task_id"]` is a UUID in
canonical form (else 404 before the handler); other shapes: `path_params={"key": PathParam(...)}`.
`request.expected_version()` is what If-Match asks for (None: any), `Reply.version` the ETag, and
GET answers 304 by itself. `request.new_id()` gives the same id again when a request with an
Idempotency-Key is run again after a crash. Raise domain errors; the edge turns them into problems.
Declare the error classes that a route can raise in `errors`, for the OpenAPI document.

The function's handler:

    outside = real_outside()                                   # nightshift.http.wiring
    handler = build_app(
        [router.bind(get_service)],
        environ=os.environ,
        authenticator=build_authenticator(os.environ, outside),   # nightshift.identity.wiring
        outside=outside,
    )
'''
