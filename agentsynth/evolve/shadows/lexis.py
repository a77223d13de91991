"""The words that tools and parameters are named with: those of English and of common APIs.

Nothing here knows a server or a tool.
"""

import re

__all__ = [
    "CLEARS",
    "CURSORS",
    "EMPTY",
    "FLAGS",
    "ID_WORDS",
    "INVARIANT",
    "IRREGULAR",
    "JOINTS",
    "LIMITS",
    "META",
    "MODES",
    "NAME_WORDS",
    "OFFSETS",
    "OTHER",
    "PAGES",
    "QUERIES",
    "SECRETS",
    "TAILS",
    "TOLD",
    "TRANSITIONS",
    "VERBS",
    "WEAK",
    "WRAPPERS",
]

VERBS: dict[str, str] = {
    **dict.fromkeys(("create", "new", "insert", "register", "make", "draft", "raise"), "create"),
    **dict.fromkeys(("add", "post", "put", "open"), "add"),
    **dict.fromkeys(
        ("get", "fetch", "retrieve", "read", "show", "describe", "view", "info"), "get"
    ),
    **dict.fromkeys(("list", "all", "enumerate", "index"), "list"),
    **dict.fromkeys(("search", "find", "query", "lookup"), "search"),
    **dict.fromkeys(("update", "edit", "modify", "patch", "change", "amend"), "update"),
    **dict.fromkeys(("delete", "destroy", "drop", "trash", "erase"), "delete"),
    **dict.fromkeys(("rename",), "rename"),
    **dict.fromkeys(("remove", "detach"), "remove"),
    **dict.fromkeys(("set",), "set"),
    **dict.fromkeys(("move",), "move"),
    **dict.fromkeys(("assign",), "assign"),
    **dict.fromkeys(("unassign",), "unassign"),
    **dict.fromkeys(("count",), "count"),
    **dict.fromkeys(("comment", "reply"), "comment"),
}
"""Verb to the deed it stands for."""

TRANSITIONS: dict[str, tuple[str, str, str | None]] = {
    "archive": ("archived", "bool", "unarchive"),
    "unarchive": ("archived", "bool", "archive"),
    "complete": ("completed", "bool", None),
    "uncomplete": ("completed", "bool", "complete"),
    "close": ("closed", "bool", "reopen"),
    "reopen": ("closed", "bool", "close"),
    "enable": ("enabled", "bool", "disable"),
    "disable": ("enabled", "bool", "enable"),
    "activate": ("active", "bool", "deactivate"),
    "deactivate": ("active", "bool", "activate"),
    "pin": ("pinned", "bool", "unpin"),
    "unpin": ("pinned", "bool", "pin"),
    "star": ("starred", "bool", "unstar"),
    "unstar": ("starred", "bool", "star"),
    "lock": ("locked", "bool", "unlock"),
    "unlock": ("locked", "bool", "lock"),
    "mute": ("muted", "bool", "unmute"),
    "unmute": ("muted", "bool", "mute"),
    "pause": ("paused", "bool", "resume"),
    "resume": ("paused", "bool", "pause"),
    "publish": ("published", "bool", "unpublish"),
    "unpublish": ("published", "bool", "publish"),
    "resolve": ("resolved", "bool", "unresolve"),
    "unresolve": ("resolved", "bool", "resolve"),
    "approve": ("approved", "bool", "unapprove"),
    "unapprove": ("approved", "bool", "approve"),
    "hide": ("hidden", "bool", "unhide"),
    "unhide": ("hidden", "bool", "hide"),
    "acknowledge": ("acknowledged", "bool", None),
    "cancel": ("cancelled", "bool", None),
    "finalize": ("finalized", "bool", None),
    "restore": ("deleted", "bool", None),
}
"""Verb to the flag it sets, its type, and the verb that undoes it (None = there is none)."""

CLEARS = frozenset([
    "unarchive", "uncomplete", "reopen", "disable", "deactivate", "unpin", "unstar", "unlock",
    "unmute", "resume", "unpublish", "unresolve", "unapprove", "unhide", "restore",
])  # fmt: skip
"""The verbs that clear their flag."""

WEAK = frozenset([
    "all", "index", "info", "log", "record", "view", "show", "read", "open", "post", "put", "count",
    "set", "new", "make", "draft", "query", "edit", "close", "complete", "approve", "lock", "star",
    "pin", "hide", "pause", "publish", "resolve", "restore", "cancel", "enable",
])  # fmt: skip
"""Verbs that are as often nouns or adjectives: only at either end of a name."""

OTHER = frozenset([
    "mark", "toggle", "run", "execute", "send", "generate", "import", "export", "download",
    "upload", "sync", "validate", "check", "test", "convert", "analyze", "compare", "apply",
    "merge", "duplicate", "copy", "clone", "fork", "trigger", "start", "stop", "retry", "submit",
    "manage", "batch", "bulk", "reset", "refresh", "install", "deploy", "transfer",
])  # fmt: skip
"""First words that say what a tool does, and none of the deeds that are known here."""

JOINTS = frozenset([
    "by", "for", "from", "in", "of", "to", "on", "with", "within", "under", "at", "into", "as",
    "using", "via",
])  # fmt: skip
"""Words that join what a tool acts on to what it belongs to."""

EMPTY = frozenset(["a", "an", "the", "my", "your"])
"""Words of a name that say nothing."""

TAILS = frozenset(["details", "detail", "info", "information", "data", "metadata"])
"""Words behind a noun that name the record itself: `issue details` is an issue."""

IRREGULAR = {
    "people": "person", "children": "child", "entries": "entry", "statuses": "status",
    "addresses": "address", "indices": "index", "indexes": "index", "branches": "branch",
    "aliases": "alias", "buses": "bus", "caches": "cache", "databases": "database",
    "releases": "release", "cases": "case", "purchases": "purchase", "leases": "lease",
    "responses": "response", "licenses": "license", "expenses": "expense", "phases": "phase",
    "invoices": "invoice", "services": "service", "devices": "device", "spaces": "space",
    "resources": "resource", "prices": "price", "series": "series", "news": "news",
    "boxes": "box", "matches": "match", "patches": "patch", "batches": "batch",
    "searches": "search", "searchs": "search", "analyses": "analysis", "vertices": "vertex",
    "properties": "property", "movies": "movie", "cookies": "cookie", "responses ": "response",
}  # fmt: skip
"""Plural to singular, where no rule holds."""

INVARIANT = frozenset([
    "status", "address", "access", "process", "progress", "analysis", "canvas", "bus", "dns", "sms",
    "aws", "kubernetes", "css", "https", "js", "as", "is", "this", "has", "series", "news", "chess",
    "business", "class", "pass", "basis",
])  # fmt: skip
"""Words that look like plurals and are none."""

LIMITS = frozenset([
    "limit", "per_page", "page_size", "max_results", "maxresults", "first", "top", "max_items",
    "num_results", "size", "take", "results_limit", "max_records", "max_count", "page_limit",
    "pagesize", "perpage", "count", "num", "max", "row_limit",
])  # fmt: skip
"""Parameters that say how many records a page has."""

PAGES = frozenset(["page", "page_number", "page_num", "page_index", "pagenumber"])
"""Parameters that say which page."""

OFFSETS = frozenset(["offset", "skip", "start_at", "start_index", "startat", "start"])
"""Parameters that say how many records to pass over."""

CURSORS = frozenset([
    "cursor", "page_token", "after", "next_token", "starting_after", "start_cursor",
    "next_page_token", "before", "ending_before", "next_cursor", "continuation_token",
    "continuation", "page_cursor", "marker", "end_cursor", "skip_token", "skiptoken", "pagetoken",
    "nexttoken", "next_page",
])  # fmt: skip
"""Parameters that carry on behind an earlier answer."""

QUERIES = frozenset([
    "query", "q", "search", "keyword", "keywords", "term", "search_term", "search_query",
    "search_text", "text_query", "search_string", "filter_text", "contains", "name_contains",
])  # fmt: skip
"""Parameters that search in the text of records."""

META = frozenset([
    "fields", "expand", "include", "format", "verbose", "raw", "dry_run", "sort", "sort_by",
    "sort_order", "order", "order_by", "orderby", "sortby", "direction", "sort_direction",
    "sort_field", "include_archived", "include_deleted", "fetch_all_pages", "opt_fields",
    "opt_pretty", "select", "filter", "top_level", "response_format", "output_format", "output",
    "detail_level", "return_format", "async", "force", "notify", "confirm", "include_headers",
    "timeout", "retry", "exclude_response", "view", "embed", "projection", "properties_to_return",
    "wait", "silent", "suppress", "detail", "depth", "recursive", "locale", "language", "lang",
    "timezone", "response_mode", "concise", "slim", "idempotency_key", "if_match", "etag",
    "include_html", "html", "account", "profile_name", "on_behalf_of", "accept", "content_type",
    "validate_only", "dryrun", "confirmed", "submit", "calendars_to_check", "drop_target",
    "user_confirmed", "are_you_sure", "acknowledged", "approve_risk",
])  # fmt: skip
"""Parameters about the call or the answer, not about a record."""

MODES = frozenset(["mode", "action", "operation", "command", "method", "subcommand", "tool_action"])
"""Parameters that make several tools of one."""

WRAPPERS = frozenset([
    "body", "params", "input", "request", "payload", "data", "model", "args", "arguments",
])  # fmt: skip
"""Objects that hold a call's parameters: 132 of 139 real ones declare what is in them."""

SECRETS = re.compile(
    r"(^|_)(password|passphrase|secret|token|signature|credential|apikey|"
    r"(private|api|access|secret|signing)_key)s?$"
)
"""Values that are given and never shown again."""

ID_WORDS = frozenset([
    "id", "ids", "uuid", "gid", "guid", "sid", "iid", "key", "number", "no", "ref", "hash", "sha",
    "arn", "uid", "urn", "identifier",
])  # fmt: skip
"""Last words of parameters that are keys."""

NAME_WORDS = frozenset([
    "name", "slug", "title", "path", "email", "login", "username", "handle", "code", "url", "uri",
    "domain", "address", "tag", "alias",
])  # fmt: skip
"""Last words of parameters that name something."""

FLAGS = re.compile(
    r"^(include|return|show|with|send|notify|skip|use|fetch|force|enable_.*_mode|only|expand|"
    r"exclude|auto|should|confirm|ignore|full|raw|strict|validate|hide|suppress|convert|is_html|"
    r"allow_dup|check|apply|overwrite|replace|prefer)"
    r"(_|$)"
)
"""Switches of the call or the answer, by how their names begin."""

TOLD = re.compile(
    r"^(send_updates|send_notifications?|notify.*|return_.*|include_.*|exclude_.*|expand_.*|"
    r"response_.*|retry_.*|auth_method|if_.*match|.*_event|.*_behaviou?r|prefer)$"
)
"""What a call asks for beside the values of the record, of whatever type."""
