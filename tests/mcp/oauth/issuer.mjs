// The certified server of npm `oidc-provider` as the issuer of a tool server: the first line read is its configuration.
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import Provider from '../../signin/node_modules/oidc-provider/lib/index.js'

const lines = createInterface({ input: process.stdin })
const given = JSON.parse((await lines[Symbol.asyncIterator]().next()).value)
const server = createServer()
await new Promise((done) => server.listen(0, '127.0.0.1', done))
const issuer = `http://127.0.0.1:${server.address().port}`
const provider = new Provider(issuer, {
  cookies: { keys: ['of the tests'] },
  scopes: ['openid', 'offline_access', ...given.scopes],
  features: {
    devInteractions: { enabled: true },
    registration: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        scope: given.scopes.join(' '),
        audience: given.resource,
        accessTokenFormat: 'jwt',
        accessTokenTTL: given.lifetime,
      }),
      useGrantedResource: () => true,
    },
  },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  pkce: { required: () => true },
  rotateRefreshToken: () => true,
  ttl: { AuthorizationCode: 60, Interaction: 600, Session: 600, Grant: 600, RefreshToken: 600 },
})
server.on('request', provider.callback())
console.log(JSON.stringify({ issuer }))
