// A token verifier that others wrote accepts the emulator's OpenID tokens through its
// key set, and nothing that was changed.

import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { serve } from './serving.js';

const ISSUER = 'https://cognito-identity.amazonaws.com';
const REGION = 'eu-west-1';

let emulator;
let url;
let keys;
let pool;
let token;

before(async () => {
  emulator = await serve({}, ['emulate', '--listen', '127.0.0.1:0']);
  url = `http://${emulator.address}`;
  pool = (await call('CreateIdentityPool', {
    IdentityPoolName: 'tokens',
    AllowUnauthenticatedIdentities: true,
  })).IdentityPoolId;
  const { IdentityId } = await call('GetId', { IdentityPoolId: pool });
  token = (await call('GetOpenIdToken', { IdentityId })).Token;
  const discovery = await fetch(`${url}/.well-known/openid-configuration`);
  const { issuer, jwks_uri } = await discovery.json();
  assert.equal(issuer, ISSUER);
  assert.equal(jwks_uri, `${url}/.well-known/jwks_uri`);
  keys = createRemoteJWKSet(new URL(jwks_uri));
});

after(() => emulator?.process.kill());

test('a token is accepted through the key set', async () => {
  const { payload, protectedHeader } = await verify(token);

  assert.equal(protectedHeader.alg, 'RS512');
  assert.equal(protectedHeader.kid, `${REGION}1`);
  assert.equal(payload.aud, pool);
  assert.deepEqual(payload.amr, ['unauthenticated']);
  assert.equal(payload.exp - payload.iat, 600);
});

const MUTATIONS = {
  'another subject': (t) => withClaims(t, { sub: `${REGION}:00000000-0000-4000-8000-000000000000` }),
  'another audience': (t) => withClaims(t, { aud: 'eu-west-1:00000000-0000-4000-8000-000000000000' }),
  'a later end': (t) => withClaims(t, { exp: 4102444800 }),
  'an authenticated guest': (t) => withClaims(t, { amr: ['authenticated'] }),
  'another issuer': (t) => withClaims(t, { iss: 'https://issuer.example' }),
  'no algorithm': ([header, payload]) => [changed(header, { alg: 'none' }), payload, ''],
  'another algorithm': (t) => withHeader(t, { alg: 'RS256' }),
  'a symmetric algorithm': (t) => withHeader(t, { alg: 'HS512' }),
  'an unknown key': (t) => withHeader(t, { kid: 'eu-west-199' }),
  'a changed signature': ([header, payload, signature]) => [header, payload, flipped(signature)],
  'a shorter signature': ([header, payload, signature]) => [header, payload, signature.slice(0, -8)],
  'the signature of a foreign key': ([header, payload]) => [header, payload, foreign(header, payload)],
};

for (const [name, mutate] of Object.entries(MUTATIONS)) {
  test(`a token with ${name} is rejected`, async () => {
    const mutant = mutate(token.split('.')).join('.');

    assert.notEqual(mutant, token);
    await assert.rejects(verify(mutant), { name: /^J(OSE|WT|WS|WKS)/ });
  });
}

test('a good token is rejected for another pool', async () => {
  await assert.rejects(verify(token, `${REGION}:00000000-0000-4000-8000-000000000000`));
});

function verify(jwt, audience = pool) {
  return jwtVerify(jwt, keys, { issuer: ISSUER, audience, algorithms: ['RS512'] });
}

async function call(operation, body) {
  const today = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `AKIAIOSFODNN7EXAMPLE/${today.slice(0, 8)}/${REGION}/cognito-identity/aws4_request`;
  const signature = '0'.repeat(64);
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-date': today,
      'x-amz-target': `AWSCognitoIdentityService.${operation}`,
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return JSON.parse(text);
}

function changed(part, changes) {
  const content = JSON.parse(Buffer.from(part, 'base64url'));
  return Buffer.from(JSON.stringify({ ...content, ...changes })).toString('base64url');
}

function withClaims([header, payload, signature], changes) {
  return [header, changed(payload, changes), signature];
}

function withHeader([header, payload, signature], changes) {
  return [changed(header, changes), payload, signature];
}

function flipped(signature) {
  const bytes = Buffer.from(signature, 'base64url');
  bytes[bytes.length - 1] ^= 1;
  return bytes.toString('base64url');
}

function foreign(header, payload) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return sign('sha512', Buffer.from(`${header}.${payload}`), privateKey).toString('base64url');
}
