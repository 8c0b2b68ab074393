// The product's main job in one sitting: make an action by clicking, test it, mend it, save it, see it run, see why another did not.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { awake, pathOf, startConsole, verdict, webhook } from './console.mjs';
import { until } from './util.mjs';

let tested, id;
/** The shop that sends its zone as a string, as shops do. */
const ODD = { total: 140, country: 'SE', zone: '20' };
const order = (aggregate_id, data) => tested.service.call('POST', '/events', { event_type: 'order.paid', aggregate_id, data });

before(async () => (tested = await startConsole()));
after(() => tested?.stop());

const row = (page, n) => page.locator('#f-conditions .cond').nth(n);
const state = (page, n, word) => row(page, n).locator(':scope > .verdict .v', { hasText: word }).waitFor();

/** Fills in a condition: the field from what is offered, the operator from the list, the value by typing. */
async function fill(page, n, field, operator, value) {
  await row(page, n).locator('.fld input').click();
  await page.getByRole('option', { name: field }).click();
  if (operator) await row(page, n).locator('select.op').selectOption({ label: operator });
  await row(page, n).locator('input.val').fill(value);
}

test('an action is made by clicking, tested against a recent event, mended and saved', () =>
  tested.inPage('story-make', async (page) => {
    const { service, sink, open } = tested;
    for (let n = 1; n <= 3; n++) await order(`SO-${n}`, { total: 100 * n, country: 'SE', zone: 20 });
    await order('SO-ODD', ODD);

    await open(page, '/actions');
    await page.getByRole('link', { name: 'New action' }).first().click();
    await page.waitForURL('**/actions/new');
    await awake(page);
    await page.getByRole('button', { name: 'order.paid' }).click();
    await page.locator('.chip', { hasText: 'order.paid' }).waitFor();
    await page.fill('#f-name', 'Large orders nearby');
    await page.fill('#f-configuration-url', `${sink.url}/large`);

    const foot = page.locator('#f-conditions > div > .cond-foot');
    await foot.getByRole('button', { name: 'Condition', exact: true }).click();
    await fill(page, 0, 'data.total', 'more than', '100');
    await state(page, 0, 'Pass');

    // A group beside it: any of two.
    await foot.getByRole('button', { name: 'Group', exact: true }).click();
    const group = page.locator('.cgroup');
    await group.getByText('The group is empty, so it passes.').waitFor();
    await group.getByRole('button', { name: 'Any', exact: true }).click();
    await group.getByRole('button', { name: 'Condition', exact: true }).click();
    await fill(page, 1, 'data.zone', 'equals', '20');
    await group.getByRole('button', { name: 'Condition', exact: true }).click();
    await fill(page, 2, 'data.country', 'equals', 'NO');
    await state(page, 2, 'Fail');

    // The recent event tested with says zone "20": the draft would not run, and says why.
    await page.getByRole('combobox', { name: 'Event', exact: true }).selectOption({ label: await page.locator('select[aria-label="Event"] option', { hasText: 'SO-ODD' }).innerText() });
    await verdict(page, /Would not run:.*Condition 2: 0 of 2 hold/s);
    await state(page, 1, 'Fail');
    assert.match(await row(page, 1).locator('.verdict').innerText(), /actual\s+"20"\s*, a string; it must equal the number 20/);
    await page.locator('.gates').getByText('Production stops here.').waitFor();
    await page.locator('.gates li.would', { hasText: 'Render' }).waitFor();

    // One click puts the type right.
    await row(page, 1).getByRole('button', { name: 'Use "20"' }).click();
    await state(page, 1, 'Pass');
    await verdict(page, /Would run\.\s+Every gate passes/);
    assert.equal(await page.locator('.gates li.is-passed').count(), 8);
    assert.match(await page.locator('.tester').innerText(), new RegExp(`POST ${sink.url}/large`));
    await page.getByRole('tab', { name: 'curl' }).click();
    await page.locator('[role="tabpanel"]', { hasText: `curl -X POST '${sink.url}/large'` }).waitFor();
    assert.match(await page.locator('.tester').innerText(), /1 of 4 would run\./, 'the backtest');
    assert.equal(sink.hits.length, 0, 'a test sends nothing');

    await page.locator('.savebar').getByRole('button', { name: 'Save', exact: true }).click();
    await page.waitForURL((url) => url.searchParams.get('saved') === '1');
    id = pathOf(page).split('/')[2];
    const { conditions } = await service.call('GET', `/event-actions/${id}`);
    assert.deepEqual(conditions, [
      { field: 'data.total', operator: 'gt', value: 100 },
      { any: [{ field: 'data.zone', operator: 'equals', value: '20' }, { field: 'data.country', operator: 'equals', value: 'NO' }] },
    ]);
    assert.ok(await page.getByText('It has not run yet').isVisible());
  }));

test('an event makes it run, and its page shows the run', () =>
  tested.inPage('story-runs', async (page) => {
    const { service, sink, open } = tested;
    const receipt = await order('SO-9', { ...ODD, total: 900 });
    assert.equal(receipt.matched, 1);
    const [hit] = await sink.waitFor(1);
    assert.equal(JSON.parse(hit.body).data.total, 900);
    await until('the run is recorded', async () => (await service.call('GET', `/event-actions/${id}/executions`)).items[0]?.status === 'succeeded');
    await open(page, `/actions/${id}`);
    const ran = page.locator('section', { has: page.getByRole('heading', { name: 'Recent executions' }) });
    assert.match(await ran.locator('tbody tr').first().innerText(), /Succeeded.*order\.paid/s);
  }));

test('an event sent by the simulator is seen firing live, with request and response, and its trace says why another action did not', () =>
  tested.inPage('story-live', async (page) => {
    const { service, sink, open, inPage } = tested;
    await service.call('POST', '/event-actions', webhook(`${sink.url}/norway`, {
      name: 'Only Norway', tenant_id: 'default', conditions: [{ field: 'data.country', operator: 'equals', value: 'NO' }],
    }));
    await open(page, '/executions');
    const shown = await page.locator('tbody tr').count();
    await page.locator('.newrows', { hasText: 'Live. Nothing new since' }).waitFor();

    let sent;
    await inPage('story-simulator', async (other) => {
      await open(other, '/events');
      await other.getByRole('link', { name: 'Send an event' }).first().click();
      await other.fill('#f-event_type', 'order.paid');
      await other.fill('#f-aggregate_id', 'SO-LIVE');
      await other.fill('#f-data', JSON.stringify({ ...ODD, total: 500 }));
      await other.getByRole('button', { name: 'Which actions would this fire?' }).click();
      const found = other.locator('section', { has: other.locator('#found') });
      assert.match(await found.locator('tr', { hasText: 'Large orders nearby' }).innerText(), /would run/);
      assert.match(await found.locator('tr', { hasText: 'Only Norway' }).innerText(), /no match/);
      await other.getByRole('button', { name: 'Send', exact: true }).click();
      await other.waitForURL(/\/events\/[0-9a-f-]{36}/);
      sent = pathOf(other);
    });
    await until('the receiver has it', () => sink.hits.some((hit) => JSON.parse(hit.body).aggregate_id === 'SO-LIVE'));

    // The list does not jump: a line above it offers what is new.
    const fresh = page.getByRole('link', { name: '1 new. Show them' });
    await fresh.waitFor();
    assert.equal(await page.locator('tbody tr').count(), shown, 'no row moved');
    await fresh.click();
    await page.waitForURL('**/executions*');
    const row = page.locator('tbody tr').first();
    assert.match(await row.innerText(), /Large orders nearby/);
    await row.locator('a[href^="/executions/"]').first().click();
    await page.waitForURL(/\/executions\/[0-9a-f-]{36}/);
    await awake(page);
    const attempt = page.locator('section', { has: page.getByRole('heading', { name: 'Attempt 1' }) });
    assert.match(await attempt.innerText(), /200/, 'what came back');
    await attempt.getByRole('link', { name: 'Request', exact: true }).click();
    await page.waitForURL(/part=request/);
    assert.match(await attempt.innerText(), new RegExp(`${sink.url}/large`));
    assert.match(await attempt.innerText(), /SO-LIVE/, 'what was sent');

    await page.locator(`a[href^="${sent}"]`).first().click();
    await page.waitForURL(`**${sent}*`);
    await awake(page);
    const trace = page.locator('.t-trace').first();
    assert.match(await trace.locator('tr', { hasText: 'Large orders nearby' }).innerText(), /Succeeded/);
    const other = trace.locator('tr', { hasText: 'Only Norway' });
    assert.match(await other.innerText(), /data\.country is the string "SE"; it must equal the string "NO"/);
    await other.locator('a.plain').focus();
    await Promise.all([page.waitForURL(/action=.*#why/), page.keyboard.press('Enter')]);
    const gates = page.locator('section', { has: page.locator('#why') }).or(page.locator('#why'));
    await gates.getByText('data.country is the string "SE"; it must equal the string "NO"').first().waitFor();
  }));

test('a deletion is taken back by its toast; many are switched off and on at once', () =>
  tested.inPage('story-list', async (page) => {
    const { service, open } = tested;
    const enabled = async () => (await service.call('GET', '/event-actions')).items.map((a) => `${a.name}: ${a.is_enabled}`).sort();
    await open(page, '/actions');
    const row = (name) => page.locator('tbody tr', { hasText: name });
    await row('Only Norway').getByRole('checkbox', { name: 'Select Only Norway' }).check();
    const bar = page.getByRole('region', { name: 'Selected actions' });
    await bar.getByText('1 selected').waitFor();
    await Promise.all([page.waitForURL(/deleted=/), bar.getByRole('button', { name: 'Delete' }).click()]);
    await awake(page);
    assert.equal(await row('Only Norway').count(), 0);
    assert.ok(await page.getByText('Deleted 1 action.').isVisible());
    await Promise.all([page.waitForResponse((r) => r.url().endsWith('/actions/bulk')), page.locator('.toasts').getByRole('button', { name: 'Undo' }).click()]);
    await row('Only Norway').waitFor();
    await awake(page);

    await page.getByLabel('Select all on this page').check();
    await bar.getByText('2 selected').waitFor();
    await Promise.all([page.waitForEvent('load'), bar.getByRole('button', { name: 'Turn off' }).click()]);
    assert.deepEqual(await enabled(), ['Large orders nearby: false', 'Only Norway: false']);
    await awake(page);
    await page.getByLabel('Select all on this page').check();
    await Promise.all([page.waitForEvent('load'), bar.getByRole('button', { name: 'Enable' }).click()]);
    assert.deepEqual(await enabled(), ['Large orders nearby: true', 'Only Norway: true']);
  }));

test('a name of usual length is whole in the list, a long one takes a second line', () =>
  tested.inPage('story-names', async (page) => {
    const { service, open } = tested;
    const usual = 'Synchronise customer addresses';
    const long = 'Tell the warehouse in the north about every large order that was paid on a holiday';
    for (const name of [usual, long]) await service.call('POST', '/event-actions', webhook('https://wms.example/x', { name, tenant_id: 'default', event_types: ['never.comes'] }));
    for (const width of [1440, 1280, 1024]) {
      await page.setViewportSize({ width, height: 900 });
      await open(page, '/actions');
      const shown = (name) => page.getByRole('link', { name, exact: true }).evaluate((link) => ({ lines: Math.round(link.getBoundingClientRect().height / 20), isCut: link.scrollHeight > link.clientHeight + 1 }));
      assert.deepEqual(await shown(usual), { lines: 1, isCut: false }, `${width} px`);
      assert.equal((await shown(long)).lines, 2, `${width} px`);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, `nothing scrolls sideways at ${width} px`);
    }
    for (const { id, name } of (await service.call('GET', '/event-actions')).items) if ([usual, long].includes(name)) await service.call('DELETE', `/event-actions/${id}`);
  }));

test('the action’s page says why an event did not make it run, and leads back to the test', () =>
  tested.inPage('story-why-not', async (page) => {
    const { open } = tested;
    const receipt = await order('SO-SMALL', { total: 80, country: 'FI', zone: '20' });
    assert.equal(receipt.matched, 0);
    await open(page, `/actions/${id}`);
    const why = page.locator('tr', { hasText: 'SO-SMALL' });
    assert.match(await why.innerText(), /Condition 1: data\.total is the number 80; it must be more than 100/);
    await why.getByRole('link', { name: 'Test with it' }).click();
    await page.waitForURL(`**/actions/${id}/edit?event=${receipt.event_id}`);
    await awake(page);
    await verdict(page, /Would not run:.*data\.total is the number 80; it must be more than 100/s);
  }));

test('unsaved work is kept when the page is left by accident', () =>
  tested.inPage('story-draft', async (page) => {
    const { open } = tested;
    await open(page, `/actions/${id}/edit`);
    await page.fill('#f-description', 'half a thought');
    await page.getByText(/Unsaved, draft kept/).waitFor();
    const asked = new Promise((resolve) => page.once('dialog', (dialog) => dialog.accept().then(() => resolve(dialog.type()))));
    await page.reload();
    assert.equal(await asked, 'beforeunload', 'leaving asks');
    await awake(page);
    await page.getByText('is back.').waitFor();
    assert.equal(await page.inputValue('#f-description'), 'half a thought');
    await page.getByRole('button', { name: 'Discard it' }).click();
    await until('the saved words are back', async () => (await page.inputValue('#f-description')) === '');
  }));
