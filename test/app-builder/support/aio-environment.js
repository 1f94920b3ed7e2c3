// Prints the environment as Adobe's command line has it in this directory, its `.env` read by its own means.
const [, , packages] = process.argv;
require(`${packages}/@adobe/aio-lib-core-config`).get("anything");
process.stdout.write(JSON.stringify(process.env));
