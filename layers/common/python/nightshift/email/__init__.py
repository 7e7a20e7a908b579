"""Mail to users: templates, the jobs that send them, addresses that must not be written to.

`service.Mailer` is the door: it turns a template and its data into a job, together with the
caller's own writes. `jobs` renders and hands over, `suppression` keeps the addresses that bounced
or complained, `choices` what users want to get.
"""
