import type { Context } from '../context.ts';
import { toTokens, toUser, toUsers } from './answers.ts';
import { createApiRouter, type ApiRouter } from './call.ts';
import * as schemas from './schemas.ts';

/** The caller's API tokens, and the hub's users. */
export function accountRoutes({ tokens, users }: Context): ApiRouter {
  const api = createApiRouter();

  api.get(
    '/tokens',
    { group: 'API tokens', name: 'listTokens', about: 'List your API tokens', answers: { 200: schemas.tokensAnswer } },
    async ({ user }) => toTokens(await tokens.list(user)),
  );

  api.post(
    '/tokens',
    {
      group: 'API tokens',
      name: 'createToken',
      about: 'Make an API token',
      notes: 'The token is in this answer and nowhere else: it is not shown again.',
      body: schemas.createTokenRequest,
      answers: { 201: schemas.createdTokenAnswer },
    },
    async ({ user, body: { name, expiresAt } }) => {
      const created = await tokens.create(user, { name, expiresAt: expiresAt ?? undefined });
      return { id: created.id, name: created.name, token: created.token };
    },
  );

  api.delete(
    '/tokens/:id',
    {
      group: 'API tokens',
      name: 'deleteToken',
      about: 'Delete an API token',
      answers: { 204: { about: 'It is refused from now on' } },
    },
    async ({ user, param }) => tokens.delete(user, param('id')),
  );

  api.get(
    '/users',
    { group: 'Users', name: 'listUsers', about: 'List users', forAdmins: true, answers: { 200: schemas.usersAnswer } },
    async () => toUsers(await users.list()),
  );

  api.post(
    '/users',
    {
      group: 'Users',
      name: 'createUser',
      about: 'Create a user',
      forAdmins: true,
      body: schemas.createUserRequest,
      answers: { 201: schemas.userAnswer },
    },
    async ({ user, body }) => toUser(await users.create(body, user)),
  );

  return api;
}
