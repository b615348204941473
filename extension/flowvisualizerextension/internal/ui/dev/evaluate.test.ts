import { describe, expect, it } from "vitest";
import { parse } from "../src/filter/grammar";
import { matches } from "./evaluate";
import { interval } from "./traffic";

const flow = { "source.address": "192.168.1.42", "destination.address": "203.0.113.10", "destination.port": 443, "flow.action": "allow", "destination.domains": ["cdn.example.net", "www.example.com"] };

describe("matches", () => {
  it.each([
    ["destination.port = 443", true],
    ["destination.port != 443", false],
    ["destination.port < 500 and destination.port >= 443", true],
    ["destination.port in (80, 443)", true],
    ["source.address = 192.168.0.0/16", true],
    ["either.address in (203.0.113.0/24)", true],
    ["either.address != 203.0.113.10", false],
    ["either.address not in (10.0.0.0/8)", true],
    ["flow.action ~ LLO", true],
    ["flow.deny.reason exists", false],
    ["flow.deny.reason != timed_out", true],
    ["flow.deny.reason = timed_out", false],
    ["destination.domains = www.example.com", true],
    ["destination.domains != www.example.com", false],
    ["destination.domains ~ .net", true],
    ["destination.domains not in (example.com)", true],
    ["not (flow.action = deny or destination.port = 80)", true],
  ])("%s: %s", (q, want) => expect(matches(parse(q), flow)).toBe(want));
});

describe("matches of merged records", () => {
  const merged = { "source.addresses": ["10.0.0.7", "203.0.113.9"], "destination.ports": ["443", "8080"], "destination.address": "10.1.0.1" };
  it.each([
    ["source.address = 10.0.0.7", true],
    ["source.address != 10.0.0.7", false],
    ["source.address != 10.0.0.9", true],
    ["source.address in (203.0.113.0/24)", true],
    ["either.address = 203.0.113.9", true],
    ["either.address != 10.1.0.0/16", false],
    ["source.address exists", true],
    ["source.address not exists", false],
    ["destination.port > 8000", true],
    ["destination.port = 80", false],
    ["destination.port ~ 80", true],
    ["source.port not exists", true],
  ])("%s: %s", (q, want) => expect(matches(parse(q), merged)).toBe(want));
});

describe("traffic", () => {
  it("is the same each time it is asked for", () => {
    expect(interval(12345, "usual")).toEqual(interval(12345, "usual"));
    expect(interval(1, "idle")).toEqual([]);
  });
});
