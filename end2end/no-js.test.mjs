// Without JavaScript: sign in, find an action by filters, edit it by plain fields, test it, save it, turn it off.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ADMIN, pathOf, startConsole, webhook } from './console.mjs';

const PLAIN = { javaScriptEnabled: false };
/** The answer to a draft that cannot be saved. */
const REFUSED = { allowed: [/^422 /, /status of 422/] };

let tested, mails, orders;
before(async () => {
  tested = await startConsole();
  const { service, sink } = tested;
  orders = await service.call('POST', '/event-actions', webhook(`${sink.url}/orders`, { name: 'Tell the warehouse', tenant_id: 'default' }));
  mails = await service.call('POST', '/event-actions', webhook(`${sink.url}/users`, { name: 'Welcome new users', tenant_id: 'default', event_types: ['user.created'], priority: 'high' }));
});
after(() => tested?.stop());

/** Presses a button and waits for the page that its answer leads to. */
async function press(page, button) {
  await Promise.all([page.waitForEvent('framenavigated'), button.click()]);
  await page.waitForLoadState('load');
}

const pressNamed = (page, name) => press(page, page.getByRole('button', { name, exact: true }).first());
const listed = (page) => page.locator('th[scope="row"] a').allInnerTexts();

test('signing in leads to where one wanted to go', () =>
  tested.inPage('no-js-sign-in', async (page) => {
    await page.goto(`${tested.service.url}/actions?q=welcome`);
    assert.equal(pathOf(page), '/login');
    await page.fill('#email', ADMIN.email);
    await page.fill('#password', ADMIN.password);
    await pressNamed(page, 'Sign in');
    assert.equal(new URL(page.url()).pathname + new URL(page.url()).search, '/actions?q=welcome');
    assert.deepEqual(await listed(page), ['Welcome new users']);
  }, { ...PLAIN, storageState: undefined }));

test('the list is filtered by a form, and the filters are in the address', () =>
  tested.inPage('no-js-list', async (page) => {
    await page.goto(`${tested.service.url}/actions`);
    assert.deepEqual((await listed(page)).sort(), ['Tell the warehouse', 'Welcome new users']);
    const filters = page.getByRole('search', { name: 'Filter actions' }).or(page.locator('form[aria-label="Filter actions"]')).first();
    await filters.locator('[name="q"]').fill('warehouse');
    await filters.locator('[name="handler_type"]').selectOption('webhook');
    await press(page, filters.locator('button[type="submit"]'));
    assert.equal(new URL(page.url()).searchParams.get('q'), 'warehouse');
    assert.deepEqual(await listed(page), ['Tell the warehouse']);
    assert.equal(await filters.locator('[name="q"]').inputValue(), 'warehouse', 'the form shows what is filtered by');
    await filters.locator('[name="q"]').fill('nothing like this');
    await press(page, filters.locator('button[type="submit"]'));
    assert.ok(await page.getByText('Nothing matches these filters').isVisible(), 'filtered to empty says so');
    await press(page, page.getByRole('link', { name: 'Clear filters' }).first());
    assert.equal((await listed(page)).length, 2);
    await press(page, page.getByRole('link', { name: 'Off', exact: false }).filter({ hasText: /^Off/ }));
    assert.equal(new URL(page.url()).searchParams.get('status'), 'disabled');
    assert.deepEqual(await listed(page), []);
  }, PLAIN));

test('a mistake is told beside its field and everything typed is kept', () =>
  tested.inPage('no-js-mistake', async (page) => {
    await page.goto(`${tested.service.url}/actions/${orders.id}`);
    await press(page, page.getByRole('link', { name: 'Edit', exact: true }));
    assert.equal(pathOf(page), `/actions/${orders.id}/edit`);
    const typed = { '/name': 'Tell the warehouse at once', '/conditions': '[{"field": "data.total", "operator": "more", "value": 100}]', '/timeout_seconds': '5' };
    for (const [name, value] of Object.entries(typed)) await page.fill(`[name="${name}"]`, value);
    await pressNamed(page, 'Save');
    const summary = page.getByRole('alert');
    assert.match(await summary.innerText(), /keeps this from being saved/);
    assert.equal(await summary.getByRole('link').first().getAttribute('href'), '#f-conditions');
    assert.match(await page.innerText('#f-conditions-m'), /Line 1.*more/s);
    for (const [name, value] of Object.entries(typed)) assert.equal(await page.inputValue(`[name="${name}"]`), value, `${name} is kept`);
    assert.equal((await tested.service.call('GET', `/event-actions/${orders.id}`)).version, 1, 'nothing is saved');
  }, { ...PLAIN, ...REFUSED }));

test('a draft is tested without sending, then saved', () =>
  tested.inPage('no-js-edit', async (page) => {
    await page.goto(`${tested.service.url}/actions/${orders.id}/edit`);
    await page.fill('[name="/name"]', 'Tell the warehouse at once');
    await page.fill('[name="/conditions"]', '[{"any": [{"field": "data.total", "operator": "gt", "value": 100}, {"field": "data.vip", "operator": "equals", "value": true}]}]');
    await page.selectOption('[name="/priority"]', 'high');
    const outcome = async (data) => {
      await page.fill('[name="sample_type"]', 'order.paid');
      await page.fill('[name="sample_data"]', JSON.stringify(data));
      await pressNamed(page, 'Dry run');
      return page.innerText('#tried');
    };
    assert.match(await outcome({ total: 80 }), /Would not run: Condition 1: 0 of 2 hold.*data\.total is the number 80; it must be more than 100/s);
    assert.match(await outcome({ total: 120 }), /Would run\..*Exact output/s);
    assert.match(await page.innerText('#tried'), /\/orders/, 'the output names the receiver');
    assert.equal(await page.inputValue('[name="/name"]'), 'Tell the warehouse at once', 'the draft is kept over tests');
    assert.equal(tested.sink.hits.length, 0, 'nothing was sent');
    await pressNamed(page, 'Save');
    assert.equal(pathOf(page), `/actions/${orders.id}`);
    assert.ok(await page.getByText('Saved as version 2.').isVisible());
    const saved = await tested.service.call('GET', `/event-actions/${orders.id}`);
    assert.deepEqual([saved.name, saved.priority, saved.version, saved.is_enabled], ['Tell the warehouse at once', 'high', 2, true]);
    assert.equal(saved.conditions[0].any.length, 2);
  }, PLAIN));

test('a save that comes too late is refused and loses nothing', () =>
  tested.inPage('no-js-late', async (page) => {
    await page.goto(`${tested.service.url}/actions/${mails.id}/edit`);
    await page.fill('[name="/description"]', 'typed meanwhile');
    await tested.service.call('PATCH', `/event-actions/${mails.id}`, { max_retries: 5 });
    await pressNamed(page, 'Save');
    assert.ok(await page.getByRole('alert').isVisible(), 'the refusal is told');
    assert.equal(await page.inputValue('[name="/description"]'), 'typed meanwhile');
    assert.equal((await tested.service.call('GET', `/event-actions/${mails.id}`)).max_retries, 5, 'the other save stands');
  }, { ...PLAIN, allowed: [/^4(09|12) /, /status of 4(09|12)/] }));

test('an action is turned off and on', () =>
  tested.inPage('no-js-off', async (page) => {
    await page.goto(`${tested.service.url}/actions/${orders.id}`);
    await pressNamed(page, 'Turn off');
    assert.equal(pathOf(page), `/actions/${orders.id}`);
    assert.equal((await tested.service.call('GET', `/event-actions/${orders.id}`)).is_enabled, false);
    await pressNamed(page, 'Enable');
    assert.equal((await tested.service.call('GET', `/event-actions/${orders.id}`)).is_enabled, true);
  }, PLAIN));

test('several actions are turned off and deleted at once, and the deletion is taken back', () =>
  tested.inPage('no-js-bulk', async (page) => {
    const both = async (verb) => {
      await page.goto(`${tested.service.url}/actions`);
      for (const box of await page.locator('input[name="id"][data-row]').all()) await box.check();
      await press(page, page.getByRole('region', { name: 'Selected actions' }).getByRole('button', { name: verb, exact: true }));
    };
    await both('Turn off');
    const actions = async () => (await tested.service.call('GET', '/event-actions')).items;
    assert.deepEqual((await actions()).map((action) => action.is_enabled), [false, false]);
    await both('Delete');
    assert.deepEqual(await actions(), []);
    await pressNamed(page, 'Undo');
    assert.equal((await actions()).length, 2);
  }, PLAIN));
