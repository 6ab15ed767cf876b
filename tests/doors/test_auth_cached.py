"""The cache: one question for all who wait, asked again in time, and nobody left hanging."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from auth.cached import CachedCredential
from auth.errors import CredentialUnavailable, TokenRefused

SCOPE = "https://graph.microsoft.com/.default"


class Clerk:
    """A blocking credential as azure-identity has them: hands out numbered tokens, counts visits."""

    def __init__(self, *, lives: int = 3600, refuses: bool = False) -> None:
        self.asked: list[dict[str, Any]] = []
        self.closed = False
        self.lives = lives
        self.refuses = refuses
        self.open = Event()
        self.open.set()

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.asked.append({"scopes": scopes, **options})
        self.open.wait(10)
        if self.refuses:
            raise ClientAuthenticationError(message="AADSTS7000215: Invalid.")
        return AccessToken(f"token {len(self.asked)}", self.lives)

    def close(self) -> None:
        self.closed = True


def cached(clerk: Clerk, *, answers_challenges: bool = True) -> CachedCredential:
    return CachedCredential(clerk, now=lambda: 0.0, answers_challenges=answers_challenges)


async def all_at_once(credential: CachedCredential, count: int, **options: Any) -> list[Any]:
    asking = (credential.get_token(SCOPE, **options) for _ in range(count))
    return await asyncio.gather(*asking, return_exceptions=True)


def test_forty_requests_at_once_ask_once() -> None:
    clerk = Clerk()

    tokens = asyncio.run(all_at_once(cached(clerk), 40))

    assert {token.token for token in tokens} == {"token 1"}
    assert len(clerk.asked) == 1


def test_what_kiota_gets_is_the_class_it_looks_for() -> None:
    token = asyncio.run(cached(Clerk()).get_token(SCOPE))

    assert type(token) is AccessToken


@pytest.mark.parametrize(("lives", "asked"), [(301, 1), (300, 2), (0, 2)])
def test_a_token_is_replaced_five_minutes_before_its_end(lives: int, asked: int) -> None:
    clerk = Clerk(lives=lives)

    async def twice() -> None:
        credential = cached(clerk)
        await credential.get_token(SCOPE)
        await credential.get_token(SCOPE)

    asyncio.run(twice())

    assert len(clerk.asked) == asked


def test_each_scope_has_a_token_of_its_own() -> None:
    clerk = Clerk()

    async def two() -> set[str]:
        credential = cached(clerk)
        return {(await credential.get_token(scope)).token for scope in (SCOPE, "other", SCOPE)}

    assert asyncio.run(two()) == {"token 1", "token 2"}


def test_a_refusal_is_told_to_all_who_waited_and_asked_for_once() -> None:
    clerk = Clerk(refuses=True)

    failures = asyncio.run(all_at_once(cached(clerk), 40))

    assert {type(failure) for failure in failures} == {TokenRefused}
    assert len(clerk.asked) == 1


def test_a_refusal_is_not_remembered() -> None:
    clerk = Clerk(refuses=True)

    async def again() -> str:
        credential = cached(clerk)
        with pytest.raises(TokenRefused):
            await credential.get_token(SCOPE)
        clerk.refuses = False
        return (await credential.get_token(SCOPE)).token

    assert asyncio.run(again()) == "token 2"


def test_a_challenge_is_answered_with_a_new_token_that_replaces_the_old() -> None:
    clerk = Clerk()

    async def challenged() -> list[str]:
        credential = cached(clerk)
        tokens = [await credential.get_token(SCOPE)]
        tokens.append(await credential.get_token(SCOPE, claims="{}"))
        tokens.append(await credential.get_token(SCOPE))
        return [token.token for token in tokens]

    assert asyncio.run(challenged()) == ["token 1", "token 2", "token 2"]
    assert clerk.asked[1]["claims"] == "{}"


def test_a_program_that_cannot_answer_a_challenge_is_not_asked() -> None:
    clerk = Clerk()

    failures = asyncio.run(all_at_once(cached(clerk, answers_challenges=False), 1, claims="{}"))

    assert isinstance(failures[0], CredentialUnavailable)
    assert clerk.asked == []


def test_everybody_gets_the_kind_of_token_that_can_be_challenged() -> None:
    clerk = Clerk()

    asyncio.run(cached(clerk).get_token(SCOPE))

    assert clerk.asked == [{"scopes": (SCOPE,), "enable_cae": True}]


def test_one_who_gives_up_takes_the_token_from_nobody() -> None:
    clerk = Clerk()
    clerk.open.clear()

    async def two() -> str:
        credential = cached(clerk)
        first = asyncio.create_task(credential.get_token(SCOPE))
        second = asyncio.create_task(credential.get_token(SCOPE))
        await asyncio.sleep(0)
        first.cancel()
        clerk.open.set()
        return (await second).token

    assert asyncio.run(two()) == "token 1"


def test_an_interrupted_run_does_not_wait_for_a_person() -> None:
    """Ctrl-C while the browser is open: the loop must end although the credential never answers."""
    clerk = Clerk()
    clerk.open.clear()

    async def interrupted() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(cached(clerk).get_token(SCOPE), 0.05)

    asyncio.run(interrupted())
    still_waiting = not clerk.open.is_set()
    clerk.open.set()

    assert still_waiting


def test_closing_closes_what_is_inside() -> None:
    clerk = Clerk()

    async def used() -> None:
        async with cached(clerk) as credential:
            await credential.get_token(SCOPE)

    asyncio.run(used())

    assert clerk.closed


def test_threads_that_ask_at_once_ask_once() -> None:
    clerk = Clerk()
    blocking = cached(clerk).blocking("https://vault.azure.net/.default")

    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda _: blocking.get_token("whatever").token, range(16)))

    assert set(tokens) == {"token 1"}
    assert len(clerk.asked) == 1


def test_a_blocking_credential_is_for_its_own_scope_and_tenant() -> None:
    """A service that challenges for another scope, or another tenant's token, gets neither."""
    clerk = Clerk()
    blocking = cached(clerk).blocking("https://vault.azure.net/.default")

    blocking.get_token("https://graph.microsoft.com/.default", tenant_id="elsewhere")

    assert clerk.asked == [{"scopes": ("https://vault.azure.net/.default",), "enable_cae": True}]


def test_a_blocking_credential_asks_again_in_time_and_for_claims() -> None:
    clerk = Clerk(lives=300)
    blocking = cached(clerk).blocking(SCOPE)

    tokens = [blocking.get_token(SCOPE).token for _ in range(2)]
    clerk.lives = 3600
    blocking.get_token(SCOPE)
    tokens.append(blocking.get_token(SCOPE, claims="{}").token)

    assert tokens == ["token 1", "token 2", "token 4"]
    assert clerk.asked[-1]["claims"] == "{}"


def test_a_blocking_credential_fails_in_its_users_words() -> None:
    plain = cached(Clerk(refuses=True)).blocking(SCOPE)
    spoken = cached(Clerk(refuses=True)).blocking(SCOPE, otherwise=lambda why: OSError(str(why)))

    with pytest.raises(TokenRefused):
        plain.get_token(SCOPE)
    with pytest.raises(OSError, match="The client secret is wrong"):
        spoken.get_token(SCOPE)
