// grpc-js loses no call where connections grow old and are told to go away.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';
import { serve } from './serving.js';

const ROOT = new URL('../../../', import.meta.url).pathname;
const ROTATIONS = 10;

test('ten rotations cost no call', { timeout: 90_000 }, async () => {
  const served = await serve({
    POOLGATE_SERVER__MAX_CONNECTION_AGE: '1s',
    POOLGATE_ADMIN__LISTEN: '127.0.0.1:0',
  });
  const client = connect(served.address);
  try {
    const work = async () => {
      let answered = 0;
      while ((await grownOld(served)) < ROTATIONS) {
        for (let number = 0; number < 50; number += 1) {
          // One that fails ends the test.
          await list(client);
          answered += 1;
        }
      }
      return answered;
    };
    const answered = await Promise.all([work(), work(), work(), work()]);
    assert.ok(answered.every((number) => number > 0));
  } finally {
    client.close();
    served.process.kill();
  }
});

/** How many connections were told to go because of their age. */
async function grownOld(served) {
  const answer = await fetch(`http://${served.admin}/metrics`);
  const found = /^poolgate_connections_ended_total\{reason="age"\} (\d+)$/m.exec(await answer.text());
  return Number(found?.[1] ?? 0);
}

function list(client) {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + 10_000;
    client.ListIdentityPools({}, { deadline }, (error, answer) =>
      error ? reject(error) : resolve(answer),
    );
  });
}

function connect(address) {
  const proto = loader.loadSync('cognito/identity/v1/cognito_identity_service.proto', {
    includeDirs: [`${ROOT}proto`],
    keepCase: true,
  });
  const { CognitoIdentityService } = grpc.loadPackageDefinition(proto).cognito.identity.v1;
  return new CognitoIdentityService(address, grpc.credentials.createInsecure());
}
