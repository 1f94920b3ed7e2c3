// What a container of Runtime does: loads the unpacked action once, runs it for every activation, and tells its result.
const [, , directory] = process.argv;
const { main } = require(directory);

process.on("message", async ({ params, deadline }) => {
  process.env.__OW_DEADLINE = String(deadline);
  try {
    process.send({ result: await main(params) });
  } catch (error) {
    console.error(error);
    process.send({ result: { error: "An error has occurred: the action threw" } });
  }
});
