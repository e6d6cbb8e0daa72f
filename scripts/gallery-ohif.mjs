// Screenshots of a study in OHIF: node gallery-ohif.mjs ADDRESS STUDY FOLDER NAME… Each name is the
// series that is opened by a double click on its thumbnail.
import {chromium} from 'playwright-core';

const [address, study, folder, ...names] = process.argv.slice(2);
// What the thumbnail of each says.
const LABELS = {
  'ohif-sr': /axnode report(?! as)/,
  'ohif-seg': /axnode segmentation/i,
  'ohif-sc': /axnode summary picture/,
};

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
});
const page = await browser.newPage({viewport: {width: 1280, height: 860}});
await page.addInitScript(() => localStorage.setItem('shownTours', '["basicViewerTour"]'));
page.on('pageerror', error => console.log('page error:', error.message));
for (const name of names.filter(name => LABELS[name])) {
  await page.goto(`${address}/viewer?StudyInstanceUIDs=${study}`);
  const thumbnail = page.locator('[data-cy^="study-browser-thumbnail"]').filter({hasText: LABELS[name]});
  await thumbnail.first().waitFor({timeout: 120000});
  await page.waitForTimeout(8000);
  await thumbnail.first().dblclick({force: true});
  await page.waitForTimeout(12000);
  for (const label of ['Yes', 'Load', 'Confirm']) {
    const button = page.getByRole('button', {name: label, exact: true});
    if (name === 'ohif-seg' && await button.count()) await button.first().click();
  }
  await page.waitForTimeout(4000);
  await page.screenshot({path: `${folder}/${name}.png`});
  console.log(name, await page.locator('body').innerText().then(text => text.length), 'characters on the page');
}
await browser.close();
