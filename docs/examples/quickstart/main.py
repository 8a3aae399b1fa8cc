import asyncio
import sys

import coilyard


async def main(address: str) -> None:
    async with coilyard.connect(address) as client:
        session = await client.session("demo")
        print(await session.get_variable("temperature"))  # cached, kept true by push: 0.8
        await session.set_variable("temperature", 1.2)
        try:
            await session.set_variable("temperature", 3.0)
        except ValueError as refused:  # also a coilyard.CoilyardError, with .code and .execution
            print(refused)
        await session.set_variable("temperature", 0.0)


asyncio.run(main(sys.argv[1]))
