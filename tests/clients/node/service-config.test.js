// grpc-js does what the shipped service config says, and nobody writes code for it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';
import { serve } from './serving.js';

const ROOT = new URL('../../../', import.meta.url).pathname;
const SERVICE_CONFIG = `${ROOT}clients/service-config.json`;

let served;
let client;

before(async () => {
  served = await serve({
    POOLGATE_QUOTA__LIMITS_FILE: `${ROOT}tests/clients/limits.toml`,
    POOLGATE_ADMIN__LISTEN: '127.0.0.1:0',
  });
  client = connect(served.address);
});

after(() => {
  client?.close();
  served?.process.kill();
});

test('who is over a limit waits as told and is admitted', async () => {
  const begun = performance.now();
  for (let number = 0; number < 5; number += 1) {
    await call('ListIdentityPools', {});
  }
  const taken = performance.now() - begun;

  assert.ok(taken >= 4 * 500, `the limit admits one each 500 ms, and all took ${taken} ms`);
  assert.equal(await refusals('slow', 'ListIdentityPools'), 4, 'one for each that had to wait');
});

test('who waits as told is admitted on the next try', async () => {
  const calls = 200;
  const created = new Set();
  const begun = performance.now();
  for (let number = 0; number < calls; number += 1) {
    const answer = await call('CreateIdentityPool', {
      identity_pool_name: 'a pool',
      allow_unauthenticated_identities: false,
    });
    created.add(answer.identity_pool.identity_pool_id);
  }
  const taken = performance.now() - begun;

  assert.equal(created.size, calls);
  assert.ok(taken >= (calls - 1) * 20, `the limit admits one each 20 ms, and all took ${taken} ms`);
  assert.ok((await refusals('quick', 'CreateIdentityPool')) <= (calls - 1) * 1.01);
});

test('a wait that is longer than the deadline is not begun', async () => {
  const begun = performance.now();
  await assert.rejects(call('GetId', {}), { code: grpc.status.INVALID_ARGUMENT });
  await assert.rejects(call('GetId', {}), { code: grpc.status.RESOURCE_EXHAUSTED });
  const taken = performance.now() - begun;

  assert.ok(taken < 10_000, `the service config's timeout, and both took ${taken} ms`);
  assert.equal(await refusals('once', 'GetId'), 1, 'it is not tried again');
});

function connect(address) {
  const proto = loader.loadSync('cognito/identity/v1/cognito_identity_service.proto', {
    includeDirs: [`${ROOT}proto`],
    keepCase: true,
  });
  const { CognitoIdentityService } = grpc.loadPackageDefinition(proto).cognito.identity.v1;
  const serviceConfig = readFileSync(SERVICE_CONFIG, 'utf8');
  const client = new CognitoIdentityService(address, grpc.credentials.createInsecure(), {
    'grpc.service_config': serviceConfig,
  });
  return client;
}

function call(method, request) {
  return new Promise((resolve, reject) => {
    client[method](request, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

async function refusals(limit, method) {
  const labels = `{limit="${limit}",grpc_method="${method}",decision="refused"}`;
  const answer = await fetch(`http://${served.admin}/metrics`);
  const lines = (await answer.text()).split('\n');
  const line = lines.find((one) => one.startsWith(`poolgate_quota_decisions_total${labels}`));
  return Number(line?.split(' ').at(-1) ?? 0);
}
