"""KV memory in blocks, with prefix caching: a full prompt block stays findable by its hash until room is needed."""

from collections.abc import Hashable

from tools.scheduler.request import Request


class BlockPool:
    """`total` blocks are always unused, private to a request, shared by requests, or idle (cached, nobody's)."""

    def __init__(self, total: int, *, block_tokens: int, caching: bool) -> None:
        self.total = total
        self.block_tokens = block_tokens
        self._caching = caching
        self._unused = total
        self._users: dict[Hashable, int] = {}
        self._idle: dict[Hashable, None] = {}  # oldest first: eviction takes the least recently used

    @property
    def free(self) -> int:
        """Blocks that can be had: never used, or cached with no user."""
        return self._unused + len(self._idle)

    @property
    def used(self) -> int:
        """Blocks held by requests; one shared by several counts once."""
        return self.total - self.free

    def reusable(self, request: Request) -> tuple[Hashable, ...]:
        """The longest cached prefix, leaving at least one token to compute (the last one gives the first output)."""
        if not self._caching:
            return ()
        hits = 0
        for name in request.prefix[: (request.known_tokens - 1) // self.block_tokens]:
            if name not in self._users and name not in self._idle:
                break
            hits += 1
        return request.prefix[:hits]

    def admit(self, request: Request, reused: tuple[Hashable, ...], tokens: int) -> bool:
        """Give `request` its reused blocks and room for `tokens` in all; nothing when all that it must have computed
        would not fit, as vLLM's `scheduler_reserve_full_isl` (its default): first chunks alone would let too many in.
        """
        whole = -(-request.known_tokens // self.block_tokens) - len(reused)
        if whole > self.free - sum(name in self._idle for name in reused):
            return False
        own = -(-tokens // self.block_tokens) - len(reused)
        for name in reused:
            self._idle.pop(name, None)
            self._users[name] = self._users.get(name, 0) + 1
        request.shared_blocks = list(reused)
        self._take(own)
        request.private_blocks = own
        return True

    def grow(self, request: Request, tokens: int) -> bool:
        """Make room for `tokens` tokens of `request` in all; False, and nothing changed, when blocks are lacking."""
        wanted = -(-tokens // self.block_tokens) - request.held_blocks
        if wanted <= 0:
            return True
        if wanted > self.free:
            return False
        self._take(wanted)
        request.private_blocks += wanted
        return True

    def publish(self, request: Request) -> None:
        """Make the prompt blocks that are now full findable; a block that another request published stays private."""
        if not self._caching:
            return
        full = min(request.computed_tokens // self.block_tokens, len(request.prefix))
        while len(request.shared_blocks) < full:
            name = request.prefix[len(request.shared_blocks)]
            if name in self._users or name in self._idle:
                return
            self._users[name] = 1
            request.shared_blocks.append(name)
            request.private_blocks -= 1

    def release(self, request: Request) -> None:
        """Take all blocks back; shared ones without another user become idle, the prefix's tail evicted first."""
        for name in reversed(request.shared_blocks):
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name]
                self._idle[name] = None
        self._unused += request.private_blocks
        request.private_blocks = 0
        request.shared_blocks = []

    def forget(self) -> None:
        """Lose what is cached for nobody."""
        self._unused += len(self._idle)
        self._idle.clear()

    def _take(self, count: int) -> None:
        evicted = max(0, count - self._unused)
        for _ in range(evicted):
            del self._idle[next(iter(self._idle))]
        self._unused += evicted - count
