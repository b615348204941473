import { expect, it } from "vitest";
import { lostInAll, lostInWords } from "./lost";

it("names each unit of what was lost", () => {
  expect(lostInWords({ connections: 3, records: 1, packets: 20 })).toBe("3 connections, 1 record and 20 packets");
  expect(lostInWords({ connections: 0, records: 2, packets: 1 })).toBe("2 records and 1 packet");
  expect(lostInWords({ connections: 1, records: 0, packets: 0 })).toBe("1 connection");
  expect(lostInWords({ connections: 0, records: 0, packets: 0 })).toBe("");
  expect(lostInAll({ connections: 3, records: 1, packets: 20 })).toBe(24);
});
