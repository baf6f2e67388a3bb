"""Engines for asyncio."""

import asyncio

import pytest

import routines
from routines import aio


def run(main):
    return asyncio.run(asyncio.wait_for(main, 60))


def test_a_session_is_followed_and_its_executor_is_a_coroutine(review):
    async def main():
        loop = asyncio.get_running_loop()

        async def agent(execution):
            assert asyncio.get_running_loop() is loop
            await asyncio.sleep(0)
            execution.output("hello\n")
            return "done"

        async with aio.Engine() as engine:
            engine.register_executor("agent", agent)
            saved = await engine.put(review)
            assert saved.revision == 1
            session = engine.session((await engine.fire("trig_alert0001")).session_id)
            entries = [entry async for entry in session.follow()]
            assert [each.text for each in entries if each.kind == "output"] == ["hello\n"]
            assert (await session.wait())["result"] == "done"
            assert await session.state() == "succeeded"
            assert [each.routine.name for each in await engine.routines()] == ["review"]
            assert (await engine.decisions("review"))[0].reason == "fired"

    run(main())


def test_the_loop_goes_on_while_many_sessions_are_awaited(review):
    async def main():
        gate = asyncio.Event()

        async def agent(execution):
            await gate.wait()

        async with aio.Engine(max_concurrent_sessions=20) as engine:
            engine.register_executor("agent", agent)
            await engine.put(review)
            fired = [await engine.fire("trig_alert0001") for _ in range(20)]
            waits = [
                asyncio.create_task(engine.session(each.session_id).wait()) for each in fired
            ]
            assert len(await engine.routines()) == 1  # while all of them wait
            gate.set()
            assert {each["state"] for each in await asyncio.gather(*waits)} == {"succeeded"}

    run(main())


def test_a_cancelled_session_cancels_its_coroutine(review):
    async def main():
        begun, ended = asyncio.Event(), asyncio.Event()

        async def agent(execution):
            begun.set()
            try:
                await asyncio.sleep(60)
            finally:
                ended.set()

        async with aio.Engine() as engine:
            engine.register_executor("agent", agent)
            await engine.put(review)
            session = engine.session((await engine.fire("trig_alert0001")).session_id)
            await begun.wait()
            with pytest.raises(routines.TimedOutError):
                await session.wait(timeout=0.05)
            await session.cancel()
            assert (await session.wait())["state"] == "cancelled"
            await ended.wait()

    run(main())


def test_an_exception_of_a_coroutine_is_the_sessions_failure(review):
    async def main():
        async def agent(execution):
            raise ValueError("no such branch")

        async with aio.Engine() as engine:
            engine.register_executor("agent", agent)
            await engine.put(review)
            ended = await engine.session((await engine.fire("trig_alert0001")).session_id).wait()
            assert ended["message"] == "ValueError: no such branch"

    run(main())


def test_who_stops_following_leaves_no_thread(review):
    import threading

    async def main():
        async with aio.Engine() as engine:
            engine.register_executor("agent", lambda execution: execution.wait_cancelled() and None)
            await engine.put(review)
            session = engine.session((await engine.fire("trig_alert0001")).session_id)
            async for _ in session.follow():
                break
            await session.cancel()

    run(main())
    for thread in threading.enumerate():
        if thread.name == "routines follow":
            thread.join(10)
            assert not thread.is_alive()
