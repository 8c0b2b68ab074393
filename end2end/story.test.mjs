// The product's main job in one sitting: make an action by clicking, test it, mend it, save it, see it run, see why another did not.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { awake, pathOf, startConsole, verdict } from './console.mjs';
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

test('the action’s page says why an event did not make it run, and leads back to the test', () =>
  tested.inPage('story-why-not', async (page) => {
    const { open } = tested;
    const receipt = await order('SO-SMALL', { total: 80, country: 'NO', zone: '20' });
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
