import assert from "node:assert/strict";
import { counted, matches } from "./filterPattern";

/** The events and patterns of CloudWatch Logs' own documentation, and what it says of them. */
const TRAIL = {
  eventType: "UpdateTrail",
  sourceIPAddress: "111.111.111.111",
  arrayKey: ["value", "another value"],
  objectList: [
    { name: "a", id: 1 },
    { name: "b", id: 2 },
  ],
  SomeObject: null,
  ThisFlag: true,
};
const USERS = {
  user: { id: 1, email: "John.Stiles@example.com" },
  users: [
    { id: 2, email: "John.Doe@example.com" },
    { id: 3, email: "Jane.Doe@example.com" },
  ],
  actions: ["GET", "PUT", "DELETE"],
  coordinates: [
    [0, 1, 2],
    [4, 5, 6],
    [7, 8, 9],
  ],
};
const NUMBERS = { latency: 500, numbers: [9_999], processes: [1, 2, 3, 4, { averageRuntime: 55.5 }], errorCode: 400 };

const DOCUMENTED: [event: object, pattern: string, isMatched: boolean][] = [
  [TRAIL, '{ $.eventType = "UpdateTrail" }', true],
  [TRAIL, "{ $.eventType = *Trail }", true],
  [TRAIL, "{ $.eventType = Update* }", true],
  [TRAIL, "{ $.eventType = Up*Trail }", false],
  [TRAIL, "{ $.sourceIPAddress != 123.123.* }", true],
  [TRAIL, "{ $.sourceIPAddress != 111.111.* }", false],
  [TRAIL, '{ $.arrayKey[0] = "value" }', true],
  [TRAIL, "{ $.objectList[1].id = 2 }", true],
  [TRAIL, "{ $.eventType[1].id = 2 }", false],
  [TRAIL, "{ $.SomeObject IS NULL }", true],
  [TRAIL, "{ $.SomeOtherObject IS NULL }", false],
  [TRAIL, "{ $.SomeOtherObject NOT EXISTS }", true],
  [TRAIL, "{ $.SomeObject NOT EXISTS }", false],
  [TRAIL, "{ $.ThisFlag IS TRUE }", true],
  [TRAIL, "{ $.ThisFlag IS FALSE }", false],
  [USERS, '{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }', true],
  [USERS, '{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }', false],
  [
    USERS,
    '{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch && $.actions[2] = nomatch }',
    true,
  ],
  [
    USERS,
    '{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch) && $.actions[2] = nomatch }',
    false,
  ],
  [USERS, "{ $.users = 1 }", false],
  [USERS, "{ $.users != 1 }", false],
  [USERS, "{ $.nobody != 1 }", false],
  [NUMBERS, "{ $.latency >= 500 }", true],
  [NUMBERS, "{ $.latency > +1000 }", false],
  [NUMBERS, "{ $.numbers[0] < 10e3 }", true],
  [NUMBERS, "{ $.numbers[0] < 10e-3 }", false],
  [NUMBERS, "{ $.processes[4].averageRuntime <= 55.5 }", true],
  [NUMBERS, "{ $.errorCode = 400 }", true],
  [NUMBERS, "{ $.errorCode != 400 }", false],
  [NUMBERS, "{ $.errorCode != 500 }", true],
  [NUMBERS, "{ $.latency = * }", true],
];

describe("the evaluator of CloudWatch's patterns", () => {
  for (const [event, pattern, isMatched] of DOCUMENTED) {
    it(`finds that ${pattern} ${isMatched ? "matches" : "does not match"}`, () => {
      assert.equal(matches(pattern, JSON.stringify(event)), isMatched);
    });
  }

  it("matches no line that is not JSON", () => {
    assert.equal(matches("{ $.latency NOT EXISTS }", "GET / 200"), false);
  });

  it("refuses what is no documented pattern, rather than to match nothing", () => {
    for (const pattern of [
      "ERROR",
      "{ $.a }",
      "{ $.a = 1",
      "{ $.a == 1 }",
      "{ ($.a = 1 }",
      "{ a = 1 }",
      "{ $.a > b }",
      "",
    ])
      assert.throws(() => matches(pattern, "{}"), Error, pattern);
  });

  it("counts one for each line, or the number in a field, with the fields of dimensions", () => {
    const metric = { name: "M", pattern: "{ $.latency = * }", unit: "None" } as const;
    const line = JSON.stringify({ latency: 50.5, name: "slow", code: "x" });
    assert.deepEqual(counted({ ...metric, value: "1" }, line), { metric: "M", dimensions: {}, value: 1 });
    assert.deepEqual(counted({ ...metric, value: "$.latency", dimensions: { code: "$.code" } }, line), {
      metric: "M",
      dimensions: { code: "x" },
      value: 50.5,
    });
    assert.equal(counted({ ...metric, value: "$.name" }, line), undefined);
    assert.equal(counted({ ...metric, value: "1" }, "{}"), undefined);
  });
});
