"""What every part of a `SessionContext` works with: the connection, the cache, and the fetching of variables."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc

from coilyard import _arguments as given
from coilyard import _methods as methods
from coilyard._cache import VariableCache
from coilyard._calls import Caller, carrier_over, new_request_id
from coilyard._carrier import Carrier
from coilyard._entries import CachedValue
from coilyard._errors import PermissionDenied, VariableNotFound
from coilyard._feed import Feed
from coilyard._methods import Method, Reply, Request
from coilyard._optimization.client import Optimizations
from coilyard._proto import sessions_pb2, variables_pb2
from coilyard._push import PushLink
from coilyard._records import cached_update, cached_value, framework_in, value_of
from coilyard._rules import allows
from coilyard._session.config import SessionConfig
from coilyard._session.keep_alive import KeepAlive
from coilyard._single_flight import SingleFlight
from coilyard._stubs import variables_stub
from coilyard._tools import GatewayTools, ToolCaller
from coilyard._usage import Usage, client_stats
from coilyard._values import encode_metadata

if TYPE_CHECKING:
    from collections.abc import Callable

    from coilyard._watch import Watch


class SessionCore:
    """One session over one channel. Holds no rule of the domain: the gateway has them all."""

    def __init__(
        self,
        session_id: str,
        channel: grpc.aio.Channel,
        config: SessionConfig,
        caller: Caller | None = None,
        tools: ToolCaller | None = None,
    ) -> None:
        self.session_id = given.text(session_id, "session_id", "the id of a session", empty=True)
        if not isinstance(channel, grpc.aio.Channel):
            raise given.wrong_kind("channel", "a channel of grpc.aio", channel)
        self.channel = channel
        self.config = config
        self._own_carrier: Carrier | None = None
        if caller is None:
            self._own_carrier = carrier_over(channel, config.token, config.multiplex)
            caller = Caller(self._own_carrier, config.timeout)
        self.call = caller.acting_as(config.as_session)
        self._watches_stub = variables_stub(channel)
        self.gateway_tools = GatewayTools(self.call)
        self.tools: ToolCaller = tools or self.gateway_tools
        self.optimizations = Optimizations(self)
        self.cache = VariableCache(
            config.cache_ttl,
            config.cache_max_size,
            eviction_policy=config.eviction_policy,
            enabled=config.enable_caching,
            timer=self.call.clock.now,
        )
        self.push_enabled = config.push
        self.push = PushLink(self.cache, self._open_push_feed, self._decode_push)
        self._keep_alive = KeepAlive(self.call.clock, lambda: self.cache.hits, self.touch)
        self.watches: weakref.WeakSet[Watch] = weakref.WeakSet()
        self.created: bool | None = None
        self.usage = Usage()
        self._frameworks: dict[str, str] = {}
        self._fetches: SingleFlight[variables_pb2.GetVariableResponse] = SingleFlight()
        self._initializing: SingleFlight[None] = SingleFlight()

    @property
    def principal(self) -> str:
        """The calling session, which access rules are matched with."""
        return self.config.as_session or self.session_id

    # The session itself

    async def initialize(self) -> None:
        """Creates the session or attaches to it, once; every request awaits this first."""
        if self.created is None:
            await self._initializing.run("", self._create_or_attach)

    async def _create_or_attach(self) -> None:
        try:
            await self._ask_for_session()
        except PermissionDenied as error:
            if self.config.as_session is None or error.details.get("sessionId") != self.session_id:
                raise
            # Somebody else's session. Rules of its variables may let the calling one in; nobody is told before it asks.
            self.created = False

    async def _ask_for_session(self) -> None:
        if not self.config.create_if_missing:
            found = await self.call(methods.GetSession, sessions_pb2.GetSessionRequest(session_id=self.session_id))
            self._keep(found.session)
            self.created = False
            return
        request = sessions_pb2.CreateSessionRequest(
            request_id=new_request_id(),
            id=self.session_id,
            ttl_ms=self.config.ttl_ms,
            metadata=encode_metadata(self.config.metadata),
            attach_if_exists=True,
        )
        reply = await self.call(methods.CreateSession, request)
        self.session_id = reply.session.id
        self._keep(reply.session)
        self.created = reply.created

    def _keep(self, session: sessions_pb2.Session) -> None:
        if session.HasField("ttl_ms"):
            self._keep_alive.ttl_s = session.ttl_ms / 1000
            self._keep_alive.start()

    async def touch(self) -> sessions_pb2.Session:
        """Extends the session's life by its time to live."""
        request = sessions_pb2.TouchSessionRequest(session_id=self.session_id)
        return (await self.call(methods.TouchSession, request)).session

    # Reading

    async def fetch(self, name: str, shared: bool) -> Any:
        """The value of one variable from the gateway; the cache takes it unless it knows a newer one.

        Args:
            name: A name or an id.
            shared: Whether a request for the same variable that is under way will do.

        Raises:
            VariableNotFound: There is none.
        """
        generation, started = self.cache.generation, self.call.clock.now()
        try:
            if shared:
                reply = await self._fetches.run(name, lambda: self._get(name))
            else:
                reply = await self._get(name)
            if self._is_overtaken(reply.variable):
                reply = await self._get(name)
        except VariableNotFound:
            self.missed(name)
            raise
        self.usage.read([reply.variable], self.call.clock.now() - started)
        return self.take(reply.variable, reply.revision, generation)

    def _is_overtaken(self, variable: variables_pb2.Variable) -> bool:
        """Whether the variable was deleted or got new settings while a reply was under way: it may be forbidden now."""
        return self.cache.peek(variable.id) is None and self.cache.seen.is_outdated(variable.id, variable.revision)

    def client_stats(self, name: str | None) -> dict[str, Any]:
        """What this client knows of its reads and writes of one variable, or of all."""
        if name is None:
            stats = self.cache.stats()
            return client_stats(stats["hits"], stats["misses"], self.usage.all)
        use = self.usage.of(name)
        return client_stats(self.cache.table.uses_of(self.usage.id_of(name)), use.reads.count, use)

    async def _get(self, name: str) -> variables_pb2.GetVariableResponse:
        await self.initialize()
        request = variables_pb2.GetVariableRequest(session_id=self.session_id, variable=name)
        return await self.call(methods.GetVariable, request)

    async def fetch_many(self, names: Iterable[str]) -> dict[str, variables_pb2.Variable]:
        """The variables of `names` that exist, read at one revision; the cache takes them."""
        names = list(names)
        await self.initialize()
        generation, started = self.cache.generation, self.call.clock.now()
        request = variables_pb2.GetVariablesRequest(session_id=self.session_id, variables=names)
        reply = await self.call(methods.GetVariables, request)
        if any(map(self._is_overtaken, reply.variables.values())):
            reply = await self.call(methods.GetVariables, request)
        self.usage.read(reply.variables.values(), self.call.clock.now() - started)
        for name in names:
            if name in reply.variables:
                self.take(reply.variables[name], reply.revision, generation)
            else:
                self.missed(name)
        return dict(reply.variables)

    def take(self, variable: variables_pb2.Variable, as_of: int, generation: int | None = None) -> Any:
        """Offers what a reply carried to the cache and returns the newest value known.

        A reply that lost the race against a push is older than what this client has already seen.
        """
        self.push.admitted()
        self.note(variable)
        rules, principal = variable.access_rules, self.principal
        if not allows(rules, "read", principal):  # who may only write keeps nothing that could be read here
            self.cache.forget(variable.id, variable.revision, "configured")
            return value_of(variable)
        offered = cached_value(variable, pushed=allows(rules, "observe", principal))
        if not self.cache.offer(offered, as_of, generation):
            newer = self.cache.peek(variable.id)
            if newer is not None and newer.revision > variable.revision:
                return newer.read()
        return value_of(variable)

    def start_push(self) -> None:
        """Opens the watch that keeps the cache true, unless that is switched off; what is read is kept alive."""
        self._keep_alive.start()
        if self.push_enabled and self.cache.enabled:
            self.push.start()

    def open_feed(self, request: variables_pb2.WatchRequest, on_lost: Callable[[], None] | None = None) -> Feed:
        """A watch on this session; the request's session id is filled in."""
        call, stub = self.call, self._watches_stub

        def open_watch(request: variables_pb2.WatchRequest) -> Any:
            request.session_id = self.session_id
            return stub.Watch(request, metadata=call.metadata)

        return Feed(open_watch, request, call, self.initialize, on_lost)

    def _open_push_feed(self, on_lost: Callable[[], None]) -> Feed:
        return self.open_feed(variables_pb2.WatchRequest(coalesce=True, include_settings=True), on_lost)

    def _decode_push(self, update: variables_pb2.VariableUpdate) -> CachedValue:
        return cached_update(update, self.framework_of(update.variable_id))

    def saw(self, update: variables_pb2.VariableUpdate) -> None:
        """Shows the cache what a watch of the user received: a cached read is not older than what the user was told."""
        if update.type == variables_pb2.UPDATE_TYPE_DELETED:
            self.cache.forget(update.variable_id, update.revision)
        elif update.skipped or not update.HasField("value"):
            self.cache.outdate(update.variable_id, update.revision)
        else:
            self.cache.push(update.variable_id, update.revision, partial(self._decode_push, update))

    # Writing

    async def write(self, method: Method[Request, Reply], request: Request) -> tuple[Reply, float]:
        """Sends a request that changes something; gives the seconds that it took as well."""
        await self.initialize()
        started = self.call.clock.now()
        try:
            reply = await self.call(method, request)
        except VariableNotFound as error:
            self.missed(error.details.get("variable"))
            raise
        return reply, self.call.clock.now() - started

    def registered(self, variables: Iterable[variables_pb2.Variable]) -> None:
        """Shows the cache what has these names now; their values are not stored before somebody reads them."""
        for variable in variables:
            self.note(variable)
            self._fetches.forget(variable.name)
            self.missed(variable.name)

    def wrote(self, variables: Iterable[variables_pb2.Variable], revision: int, seconds: float) -> None:
        """Shows the cache what this client wrote, so that its next read sees it."""
        variables = list(variables)
        self.usage.wrote(variables, seconds)
        for variable in variables:
            self._fetches.forget(variable.name)
            self._fetches.forget(variable.id)
            self.take(variable, revision)

    def deleted(self, name: str, revision: int, *, cascade: bool) -> None:
        """Shows the cache what this client deleted; what depended on it goes unnamed."""
        if cascade:
            self.invalidate(None)
            return
        self._fetches.forget(name)
        self.cache.generation += 1  # a read that is under way must not bring it back
        self.cache.forget(self.cache.table.id_of(name), revision)

    def missed(self, name: object) -> None:
        """Drops what the cache has under a name or id that the gateway knows nothing of, or something new."""
        if isinstance(name, str) and self.cache.table.find(name) is not None:
            self.cache.invalidate(name, "deleted")

    def configured(self, variable: variables_pb2.Variable) -> None:
        """Has the cache forget a variable with new settings: what may be read is another question now."""
        self.note(variable)
        self._fetches.forget(variable.name)
        self._fetches.forget(variable.id)
        self.cache.forget(variable.id, variable.revision, "configured")

    def framework_of(self, name: str) -> str | None:
        """The library of a variable's tensors, as far as it was seen."""
        return self._frameworks.get(name)

    def note(self, variable: variables_pb2.Variable) -> None:
        """Remembers whose tensors its values are."""
        if variable.type in {"tensor", "embedding"}:
            framework = framework_in(variable)
            for key in (variable.name, variable.id):
                if framework is None:
                    self._frameworks.pop(key, None)
                else:
                    self._frameworks[key] = framework

    def invalidate(self, name: str | None) -> None:
        """Drops cached values, and lets nobody join a request that began before."""
        self._fetches.forget(name)
        self.cache.invalidate(name)

    def scoped(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields that every write has, added to its own."""
        return {"request_id": new_request_id(), "session_id": self.session_id, **fields}

    async def close(self) -> None:
        """Frees what this client holds on the gateway; the session lives on."""
        await self.optimizations.close()
        for watch in list(self.watches):
            watch.cancel()
        await asyncio.gather(*(watch.aclose() for watch in list(self.watches)))
        await self.push.close()
        await self._keep_alive.close()
        self.cache.invalidate(reason="cleanup")
        self._fetches.forget()
        if self._own_carrier is not None:
            await self._own_carrier.close()
