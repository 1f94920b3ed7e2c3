const { queryOf } = require("../actions/get-product/query");

it("reads the text that Runtime gives a raw action", () => {
  expect(queryOf({ __ow_query: "sku=4711&a=%C3%A4" }).get("a")).toBe("ä");
});

it("reads the object that `aio app dev` gives it", () => {
  expect(queryOf({ __ow_query: { sku: "4711" } }).get("sku")).toBe("4711");
});

it("reads nothing where there is nothing", () => {
  expect(queryOf({}).get("sku")).toBeNull();
});
