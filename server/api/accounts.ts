import { Router } from 'express';
import type { Context } from '../context.ts';
import { currentUser, param } from '../middleware/request.ts';
import { toTokens, toUser, toUsers } from './answers.ts';
import { currentAdmin } from './authentication.ts';
import { bodyOf } from './input.ts';
import * as schemas from './schemas.ts';

/** The caller's API tokens, and the hub's users. */
export function accountRoutes({ tokens, users }: Context): Router {
  const router = Router();

  router.get('/tokens', async (req, res) => {
    res.json(toTokens(await tokens.list(currentUser(req))));
  });

  router.post('/tokens', async (req, res) => {
    const { name, expiresAt } = bodyOf(req, schemas.createTokenRequest);
    const created = await tokens.create(currentUser(req), { name, expiresAt: expiresAt ?? undefined });
    res.status(201).json({ id: created.id, name: created.name, token: created.token });
  });

  router.delete('/tokens/:id', async (req, res) => {
    await tokens.delete(currentUser(req), param(req, 'id'));
    res.status(204).end();
  });

  router.get('/users', async (req, res) => {
    currentAdmin(req);
    res.json(toUsers(await users.list()));
  });

  router.post('/users', async (req, res) => {
    const admin = currentAdmin(req);
    const user = await users.create(bodyOf(req, schemas.createUserRequest), admin);
    res.status(201).json(toUser(user));
  });

  return router;
}
