// A list of checks run one after another, with a count at the end.

const checks = [];

export function check(name, run) {
  checks.push({ name, run });
}

export function expect(ok, message) {
  if (!ok) throw new Error(message);
}

export function equal(got, want, what) {
  expect(JSON.stringify(got) === JSON.stringify(want), `${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
}

/** Waits until probe gives something truthy, at most ten seconds. */
export async function until(probe, what) {
  const end = Date.now() + 10_000;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited 10 s for ${what}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Runs all; gives the number that failed, or 1 when none ran. */
export async function runAll(context) {
  const count = { passed: 0, failed: 0 };
  for (const { name, run } of checks) {
    try {
      await run(context);
      count.passed++;
      console.log(`ok      ${name}`);
    } catch (e) {
      count.failed++;
      console.log(`FAILED  ${name}\n        ${e.message.split("\n").slice(0, 4).join("\n        ")}`);
    }
  }
  console.log(`${count.passed} passed, ${count.failed} failed`);
  return count.passed === 0 ? 1 : count.failed;
}
