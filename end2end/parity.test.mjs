// What the browser says of a condition while it is typed is what the server says of it: generated conditions, run in Chromium.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startConsole, webhook } from './console.mjs';
import { API_KEY } from './util.mjs';

/** Another seed gives other cases; a failure names the seed. */
const SEED = Number(process.env.PARITY_SEED ?? 20260201);
const BATCHES = 20;
const ROWS_PER_BATCH = 45;
const LEAST_CASES = 1_000;

/** A small generator of numbers in [0, 1), the same in every run. */
function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const random = numbers(SEED);
const below = (n) => Math.floor(random() * n);
const one = (list) => list[below(list.length)];
const some = (most, make) => Array.from({ length: below(most + 1) }, make);

/** A number as it is written, which JSON.stringify would not keep: 1.0, integers beyond 2^53. */
const raw = (text) => `#raw:${text}#`;
const json = (value, indent) => JSON.stringify(value, null, indent).replace(/"#raw:([^#"]+)#"/g, '$1');

const NUMBERS = [0, 1, -1, 20, 20.5, -3, 100, 1e3, 1e21, 0.1, raw('1.0'), raw('20.00'), raw('-0'), raw('9007199254740993'), raw('9007199254740992'), raw('18446744073709551615'), raw('1E2')];
const MOMENTS = ['2026-01-31T12:00:00Z', '2026-01-31T13:00:00+01:00', '2026-01-31T12:00:00.500Z', '2025-12-31T23:59:59-08:00', '2026-02-28t00:00:00z'];
const TEXTS = ['', '20', '1', 'SE', 'se', 'Ünïcode ß', 'ﬀ', 'a.b', 'order', 'order.paid', 'null', 'true', ' 20 ', 'x@example.com', '2026-01-31', '日本語', 'a"b\\c', 'emoji 🙂', ...MOMENTS];
const PATTERNS = ['^a', 'e$', '^\\d+$', '.*', '(?i)se', '[A-Z]{2}', '^order\\.(paid|sent)$', '\\bb', 'ü', '^$', '@example\\.com$', '\\s'];
const OPERATORS = ['equals', 'not_equals', 'contains', 'not_contains', 'gt', 'gte', 'lt', 'lte', 'between', 'in', 'not_in', 'exists', 'not_exists', 'starts_with', 'ends_with', 'matches'];
const FIELDS = [
  'data.a', 'b', 'data.c', 'd', 'data.list', 'data.list.0', 'list.1', 'list.9', 'data.lines.sku', 'lines.0.qty', 'lines.qty', 'data.lines.1', 'data.deep.er.est', 'deep.er', 'deep',
  'data.dotted\\.key', 'data.dotted.key', 'data.missing', 'missing.too', 'metadata.region', 'metadata.flags.x', 'metadata', 'event_type', 'event.type', 'event.aggregate_id', 'tenant_id', 'data', 'a.b.c', 'data.Ü', 'data.7',
];

/** Values of a type that conditions get wrong, and such conditions: the mend that is offered must be the same, too. */
const MIXED_UP = { qty: '20', count: 7, flag: 'true', none: 'null', codes: ['7', 8] };
const MIX_UPS = [['qty', 'equals', 20], ['qty', 'gt', 10], ['qty', 'in', [20, 30]], ['qty', 'not_equals', 20], ['count', 'equals', '7'], ['count', 'in', ['6', '7']], ['count', 'starts_with', '7'], ['flag', 'equals', true], ['none', 'equals', null], ['codes', 'contains', 7], ['codes', 'equals', '8']];

const scalar = () => one([() => one(NUMBERS), () => one(TEXTS), () => one(TEXTS), () => one([true, false]), () => null])();

function value(depth = 2) {
  const kind = depth ? below(8) : 0;
  if (kind === 6) return some(4, () => value(depth - 1));
  if (kind === 7) return Object.fromEntries(some(3, () => [one(['x', 'key', 'sku']), value(depth - 1)]));
  return scalar();
}

function event(batch) {
  const line = () => (below(8) ? { sku: scalar(), qty: one([...NUMBERS, '2']) } : scalar());
  const data = { nonce: batch, a: value(), b: value(), c: one(NUMBERS), d: one(TEXTS), list: some(4, () => value(1)), lines: some(3, line), deep: { er: { est: value(1) } }, 'dotted.key': scalar(), Ü: scalar(), 7: scalar(), ...MIXED_UP };
  for (const key of ['a', 'b', 'list', 'deep']) if (!below(5)) delete data[key];
  return { event_type: one(['order.paid', 'order.line.added']), data, metadata: { region: one(TEXTS), flags: { x: scalar() } } };
}

/** The lower one first: an upside-down range is refused. */
function bounded([low, high]) {
  const size = (bound) => (typeof bound === 'number' ? bound : bound.startsWith('#raw:') ? Number(bound.slice(5, -1)) : Date.parse(bound));
  if (size(low) === size(high)) return [low, low];
  return size(low) < size(high) ? [low, high] : [high, low];
}

function expected(operator) {
  const orderable = () => one([() => one(NUMBERS), () => one(MOMENTS)])();
  const bounds = { gt: orderable, gte: orderable, lt: orderable, lte: orderable, starts_with: () => one(TEXTS), ends_with: () => one(TEXTS), matches: () => one(PATTERNS) };
  const list = () => [value(1), ...some(4, () => value(1))];
  const range = () => bounded(below(3) ? [one(NUMBERS), one(NUMBERS)] : [one(MOMENTS), one(MOMENTS)]);
  return { ...bounds, between: range, in: list, not_in: list }[operator]?.() ?? value(1);
}

function row() {
  if (!below(10)) {
    const [field, operator, value] = one(MIX_UPS);
    return { field: one(['', 'data.']) + field, operator, value };
  }
  const operator = one(OPERATORS);
  const condition = { field: one(FIELDS), operator };
  if (operator.endsWith('exists')) return below(2) ? condition : { ...condition, value: one([true, false]) };
  return { ...condition, value: expected(operator) };
}

/** Rows and groups, `rows` rows in all, followed by one that tells the page of this batch from that of the last. */
function conditions(batch, rows) {
  let left = rows;
  const item = (depth) => {
    if (depth > 0 && !below(6)) return { [one(['all', 'any', 'none'])]: below(8) ? Array.from({ length: 1 + below(4) }, () => item(depth - 1)) : [] };
    left -= 1;
    return row();
  };
  const items = [];
  while (left > 0) items.push(item(4));
  return [...items, { field: 'data.nonce', operator: 'equals', value: batch }];
}

let tested;
before(async () => (tested = await startConsole()));
after(() => tested?.stop());

/** What the server says: the sentence, and each row and group in the order in which they stand. */
async function serverSays(items, sample) {
  const { event_type, data, metadata } = sample;
  const action = webhook('https://example.com/hook', { name: 'Draft', event_types: ['order.*'], conditions: items });
  const response = await fetch(`${tested.service.url}/api/v1/event-actions/test`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    body: json({ action, event_type, event_data: data, metadata }),
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  const report = JSON.parse(text);
  const flat = (all) => all.flatMap((c) => [{ state: c.holds ? 'Pass' : 'Fail', mend: c.mend?.label ?? null }, ...flat(c.items ?? [])]);
  return { sentence: report.stopped_at === 'conditions' ? report.reason : 'would run', rows: flat(report.gates.find((gate) => gate.gate === 'conditions').conditions) };
}

/** What the page says once it speaks of this batch: the builder behind the JSON tab has a verdict for each row and group. */
async function browserSays(page, batch) {
  const said = await page.waitForFunction((nonce) => {
    const all = [...document.querySelectorAll('#f-conditions .cond, #f-conditions .cgroup')].map((element) => {
      const line = element.querySelector(element.matches('.cgroup') ? ':scope > .cgroup-head > .verdict' : ':scope > .verdict');
      return { state: line?.querySelector('.v')?.textContent, mend: line?.querySelector('.btn-mend')?.textContent ?? null, actual: line?.querySelector('code')?.textContent };
    });
    const last = all.at(-1);
    if (last?.state !== 'Pass' || last.actual !== String(nonce)) return null;
    return { sentence: document.querySelector('.tester .says p').textContent.trim(), rows: all.map(({ state, mend }) => ({ state, mend })) };
  }, batch);
  return said.jsonValue();
}

test(`the browser judges as the server does (seed ${SEED})`, () =>
  tested.inPage('parity', async (page) => {
    await tested.open(page, '/actions/new');
    await page.fill('#f-event_types', 'order.*');
    await page.press('#f-event_types', 'Enter');
    await page.getByRole('group', { name: 'View' }).getByRole('button', { name: 'JSON' }).click();
    await page.getByRole('group', { name: 'Test with' }).getByRole('button', { name: 'JSON' }).click();
    const count = { Pass: 0, Fail: 0, mend: 0 };
    for (let batch = 1; batch <= BATCHES; batch++) {
      const [items, sample] = [conditions(batch, ROWS_PER_BATCH), event(batch)];
      await page.fill('#conditions-json', json(items, 1));
      assert.equal(await page.innerText('#conditions-json-m'), '', `batch ${batch}: the conditions are well-formed`);
      await page.fill('#sample-json', json(sample));
      const [browser, server] = [await browserSays(page, batch), await serverSays(items, sample)];
      assert.equal(browser.rows.length, server.rows.length, `batch ${batch}: every row has a verdict`);
      const flat = (all) => all.flatMap((item) => [item, ...(item.all ?? item.any ?? item.none ?? []).flatMap((inner) => flat([inner]))]);
      const cases = flat(items);
      server.rows.forEach((says, n) => {
        assert.deepEqual(browser.rows[n], says, `seed ${SEED}, batch ${batch}, case ${n}: ${json(cases[n])}\nevent: ${json(sample)}`);
        count[says.state] += 1;
        if (says.mend) count.mend += 1;
      });
      const sentence = browser.sentence.replace(/^Would not run: /, '');
      if (server.sentence === 'would run') assert.match(browser.sentence, /^Would run\./);
      else assert.equal(sentence, server.sentence, `seed ${SEED}, batch ${batch}: the sentence`);
    }
    assert.ok(count.Pass + count.Fail >= LEAST_CASES, `${count.Pass + count.Fail} cases`);
    assert.ok(Math.min(count.Pass, count.Fail) > LEAST_CASES / 5 && count.mend > 10, `the cases are of every sort: ${JSON.stringify(count)}`);
  }));
