import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mysqlLimits, mysqlPoolSizeOf } from './mysql-limits.ts';
import { settingsFrom } from './settings.ts';

test('MySQL is limited by its disk or by its instance, whichever allows less', () => {
  const iopsMax = (instance: string, storageGb: number) => {
    const { mysql } = settingsFrom({ environment: 'prod' });
    return mysqlLimits({ mysql: { ...mysql, instance, storageGb } }).iopsMax;
  };
  assert.equal(iopsMax('m7g.large', 100), 3_000);
  assert.equal(iopsMax('m7g.large', 400), 3_600);
  assert.equal(iopsMax('m7g.2xlarge', 399), 3_000);
  assert.equal(iopsMax('m7g.2xlarge', 400), 12_000);
  assert.equal(iopsMax('t4g.small', 20), 1_000);
  assert.throws(() => iopsMax('m7g.metal', 100), /unknown size/);
});

test('the tasks of a deployment leave connections of MySQL to others', () => {
  assert.equal(mysqlPoolSizeOf(settingsFrom({ environment: 'prod' })), 31);
  assert.equal(mysqlPoolSizeOf(settingsFrom({ environment: 'dev' })), 31);
});
