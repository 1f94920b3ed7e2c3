"""What can go wrong, in words for whoever looks at the status location or the journal."""


class Problem(Exception):
    """Why the wanted bundle is not served. The code never changes; the message goes to every listed client, so it holds
    neither address nor key nor account; the detail stays in the machine's journal."""

    def __init__(self, code, message, detail=None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = detail


class FetchProblem(Problem):
    """It may be gone a moment later, without anybody doing anything."""
