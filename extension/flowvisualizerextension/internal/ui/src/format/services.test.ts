import { expect, it } from "vitest";
import { message } from "./services";

it("says what an ICMP message is about", () => {
  expect(message("icmp", 8)).toBe("ping");
  expect(message("ipv6-icmp", 128)).toBe("ping");
  expect(message("icmp", 128)).toBeUndefined();
  expect(message("udp", 8)).toBeUndefined();
  expect(message("icmp", undefined)).toBeUndefined();
});
