import { expect, it } from "vitest";
import { scopeOf } from "./scope";

it.each([
  ["127.0.0.53", "loopback"], ["::1", "loopback"], ["::ffff:127.0.0.1", "loopback"],
  ["10.1.2.3", "local"], ["172.31.255.255", "local"], ["172.32.0.0", "public"], ["192.168.1.1", "local"], ["169.254.169.254", "local"],
  ["100.64.0.1", "local"], ["100.128.0.1", "public"], ["224.0.0.251", "local"], ["0.0.0.0", "local"],
  ["fe80::1", "local"], ["fd12::1", "local"], ["ff02::fb", "local"], ["::", "local"], ["unknown address", "local"],
  ["203.0.113.10", "public"], ["2001:db8::1", "public"], ["::ffff:203.0.113.10", "public"], ["fb00::1", "public"],
])("%s is %s", (address, want) => expect(scopeOf(address)).toBe(want));
