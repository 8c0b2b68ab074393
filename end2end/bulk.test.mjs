// Bulk replay: from a filtered list with its number, through the question, to the end; stopped under way; and all of it without JavaScript.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { awake, pathOf, startConsole, webhook } from './console.mjs';
import { accessibilityFindings, startSink, until } from './util.mjs';

const PLAIN = { javaScriptEnabled: false };

let tested;
let works = false;
before(async () => {
  tested = await startConsole();
  const { service } = tested;
  tested.receiver = await startSink(() => ({ status: works ? 200 : 500 }));
  const make = (name, event_types) => service.call('POST', '/event-actions', webhook(`${tested.receiver.url}/${name}`, { name, tenant_id: 'default', max_retries: 0, event_types, circuit_breaker: { failures: 1000, cooldown_seconds: 1 } }));
  await make('Ship it', ['order.paid']);
  await make('Thank them', ['user.created']);
  await make('Many of these', ['bulk.made']);
});
after(async () => {
  await tested?.receiver?.stop();
  await tested?.stop();
});

/** Sends so many events of a type and waits until their executions are dead letters. */
async function die(type, count) {
  const { service } = tested;
  const events = Array.from({ length: count }, (_, n) => ({ event_type: type, data: { n } }));
  await service.call('POST', '/events/batch', events);
  await until(`${count} dead letters of ${type}`, async () => (await service.call('GET', `/executions?status=dead_letter&event_type=${type}&limit=200`)).items.length >= count, 60_000);
}

const open = (type) => tested.service.call('POST', '/executions/bulk-replay', { filter: { event_type: type }, dry_run: true }).then((found) => found.total);
const fact = (page, label) => page.locator('.facts div', { has: page.locator('dt', { hasText: new RegExp(`^${label}$`) }) }).locator('dd').first().innerText();

test('a filtered list is replayed as a whole and followed to its end', async () => {
  works = false;
  await die('order.paid', 3);
  await die('user.created', 2);
  await tested.inPage('bulk-all', async (page) => {
    await tested.open(page, '/executions?status=failed&event_type=order.paid');
    await page.getByRole('link', { name: 'Replay all 3 matching the filter' }).click();
    await page.waitForURL(/\/bulk\/new\?/);
    assert.match(await page.locator('main').innerText(), /3 executions match/);
    assert.equal(await fact(page, 'Event type'), 'order.paid');
    assert.equal(tested.receiver.hits.length, 5, 'nothing is sent before the question is answered');
    assert.deepEqual(await accessibilityFindings(page), [], 'the question');
    works = true;
    await page.getByRole('button', { name: 'Replay 3 executions' }).click();
    await page.waitForURL(/\/bulk\/[0-9a-f-]{36}$/);
    await awake(page);
    await page.getByText(/3 of 3 executions done after/).waitFor({ timeout: 30_000 });
    assert.deepEqual([await fact(page, 'Succeeded'), await fact(page, 'Failed'), await fact(page, 'Skipped')], ['3', '0', '0']);
    assert.equal(await page.getByRole('button', { name: 'Abort' }).count(), 0, 'what has ended is not stopped');
    assert.deepEqual(await accessibilityFindings(page), [], 'the job');
    const id = pathOf(page).split('/').at(-1);
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Bulk replays' }).click();
    await page.waitForURL(/\/bulk$/);
    await page.locator(`a[href="/bulk/${id}"]`).waitFor();
  });
  await until('the sink has them', () => tested.receiver.hits.length === 8);
  assert.deepEqual([await open('order.paid'), await open('user.created')], [0, 2], 'the others are untouched');
});

test('without JavaScript the same, from the dead letters', async () => {
  works = false;
  if ((await open('user.created')) === 0) await die('user.created', 2);
  works = true;
  await tested.inPage('bulk-plain', async (page) => {
    const { service } = tested;
    await page.goto(`${service.url}/dead-letters`);
    await page.getByRole('link', { name: 'Replay all 2', exact: true }).click();
    await page.getByLabel('The one in force now').check();
    await page.getByRole('button', { name: 'Replay 2 executions' }).click();
    await page.waitForURL(/\/bulk\/[0-9a-f-]{36}$/);
    // The page loads itself again until the job has ended.
    await page.getByText(/2 of 2 executions done after/).waitFor({ timeout: 30_000 });
    assert.equal(await page.locator('meta[http-equiv="refresh"]').count(), 0, 'then it rests');
    const job = await service.call('GET', `/bulk/${pathOf(page).split('/').at(-1)}`);
    assert.deepEqual([job.status, job.succeeded, job.action_version, job.filter.status], ['finished', 2, 'current', 'dead_letter']);
  }, PLAIN);
  assert.equal(await open('user.created'), 0);
});

test('a job is stopped under way', async () => {
  works = false;
  await die('bulk.made', 170);
  await tested.inPage('bulk-abort', async (page) => {
    const { service } = tested;
    await page.goto(`${service.url}/bulk/new?status=failed&event_type=bulk.made`);
    await page.getByRole('button', { name: 'Replay 170 executions' }).click();
    await page.getByRole('button', { name: 'Abort' }).click();
    await page.getByText(/of 170 executions stopped after/).waitFor({ timeout: 30_000 });
    const job = await service.call('GET', `/bulk/${pathOf(page).split('/').at(-1)}`);
    assert.equal(job.status, 'aborted');
    assert.ok(job.succeeded < 170, `it stopped after ${job.succeeded}`);
  }, PLAIN);
});

test('what cannot be replayed is not offered, and asking for it anyway is refused with words', () =>
  tested.inPage('bulk-not', async (page) => {
    const { service } = tested;
    await page.goto(`${service.url}/executions?status=pending`);
    assert.equal(await page.getByRole('link', { name: /^Replay/ }).count(), 0);
    await page.goto(`${service.url}/bulk/new?status=running`);
    assert.match(await page.locator('main').innerText(), /Only finished executions can be replayed/);
    await page.goto(`${service.url}/bulk/new?status=failed&event_type=never.seen`);
    assert.match(await page.locator('main').innerText(), /Nothing to replay/);
  }, { ...PLAIN, allowed: [/^422 /, /status of 422/] }));
