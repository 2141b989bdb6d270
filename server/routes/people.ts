import { Router, type Request, type Response } from 'express';
import { IDENTITY_PROVIDER_LABELS } from '../../providers/identity-provider.ts';
import type { Context } from '../context.ts';
import { formatCount, formatDate, formatMaybeDate, plural, roleLabel } from '../format.ts';
import { fieldErrors } from '../forms/field-errors.ts';
import { parseForm, typedValues, type FieldError } from '../forms/form.ts';
import { roleForm, userForm } from '../forms/user-form.ts';
import { requireAdmin } from '../middleware/admin.ts';
import { currentUser, param, queryValue } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import { invitationSchema, type Invitation, type MailOutcome } from '../services/invitation-service.ts';
import type { Person, User } from '../services/user-service.ts';
import { flash, render } from '../views.ts';
import type { PersonRow } from './people-views.ts';

type Shown = { errors?: FieldError[]; values?: Record<string, string> };

const toPersonRow = (person: Person, self: User): PersonRow => ({
  id: person.id,
  name: person.name,
  email: person.email,
  roleLabel: roleLabel(person.role),
  createdAt: formatDate(person.createdAt),
  lastSignInAt: formatMaybeDate(person.lastSignInAt),
  integrations: formatCount(person.integrations),
  signsInBy: [
    ...(person.hasPassword ? ['Password'] : []),
    ...person.identityProviders.map((provider) => IDENTITY_PROVIDER_LABELS[provider]),
  ],
  disabledAt: formatMaybeDate(person.disabledAt),
  isSelf: person.id === self.id,
});

const isExpired = ({ expiresAt }: Invitation): boolean => expiresAt.getTime() <= Date.now();

function mailText(mail: MailOutcome, email: string): string {
  if (mail.state === 'sent') return `A mail with the link was sent to ${email}.`;
  if (mail.state === 'under_way') return `A mail with the link to ${email} is under way.`;
  if (mail.state === 'off') return 'Mail is off on this server: hand the link over yourself, in a safe way.';
  return `No mail was sent: ${mail.problem} Hand the link over yourself, in a safe way.`;
}

/** The pages of users and invitations, for admins. */
export function peopleRoutes(context: Context): Router {
  const router = Router();
  const { users, invitations } = context;
  router.use([paths.users, paths.invitations], requireAdmin('manage users'));

  const showUsers = async (req: Request, res: Response, shown: Shown = {}): Promise<void> => {
    const self = currentUser(req);
    const q = queryValue(req, 'q')?.trim() ?? '';
    const cursor = queryValue(req, 'cursor');
    const { people, nextCursor } = await users.search({ q, cursor });
    render(res, 'users/index', {
      title: 'Users',
      section: 'users',
      users: people.map((person) => toPersonRow(person, self)),
      q,
      nextHref: nextCursor && paths.usersList({ q, cursor: nextCursor }),
      firstHref: cursor && paths.usersList({ q }),
      pending: await invitations.pending(),
      ...shown,
    });
  };

  router.get(paths.users, (req, res) => showUsers(req, res));

  router.post(paths.users, async (req, res) => {
    const again = (errors: FieldError[]) => {
      res.status(422);
      return showUsers(req, res, { errors, values: typedValues(req.body, ['name', 'email', 'role']) });
    };
    const form = parseForm(userForm, req.body);
    if (!form.ok) return again(form.errors);
    try {
      const user = await users.create(form.values, currentUser(req));
      flash(req, { kind: 'success', message: `${user.name} can sign in now as ${user.email}.` });
      res.redirect(303, paths.users);
    } catch (error) {
      await again(fieldErrors(error));
    }
  });

  const showUser = async (req: Request, res: Response, shown: Shown = {}): Promise<void> => {
    const person = await users.get(param(req, 'id'));
    render(res, 'users/show', {
      title: person.name,
      section: 'users',
      person: toPersonRow(person, currentUser(req)),
      role: person.role,
      ...shown,
    });
  };

  router.get('/admin/users/:id', (req, res) => showUser(req, res));

  router.post('/admin/users/:id/role', async (req, res) => {
    const id = param(req, 'id');
    const form = parseForm(roleForm, req.body);
    if (!form.ok) {
      res.status(422);
      return showUser(req, res, { errors: form.errors });
    }
    try {
      await users.setRole(currentUser(req), id, form.values.role);
    } catch (error) {
      const errors = fieldErrors(error);
      res.status(409);
      return showUser(req, res, { errors });
    }
    const { name } = await users.get(id);
    flash(req, { kind: 'success', message: `${name} is ${form.values.role === 'admin' ? 'an admin' : 'a member'}.` });
    // Who is no admin any more may not see this page.
    res.redirect(303, id === currentUser(req).id && form.values.role === 'member' ? paths.overview : paths.user(id));
  });

  router.get('/admin/users/:id/disable', async (req, res) => {
    const person = await users.get(param(req, 'id'));
    if (person.disabledAt) return res.redirect(303, paths.user(person.id));
    render(res, 'users/disable', {
      title: `Disable ${person.name}`,
      section: 'users',
      person: toPersonRow(person, currentUser(req)),
    });
  });

  router.post('/admin/users/:id/disable', async (req, res) => {
    const id = param(req, 'id');
    try {
      await users.disable(currentUser(req), id);
    } catch (error) {
      const errors = fieldErrors(error);
      res.status(409);
      return showUser(req, res, { errors });
    }
    const { name } = await users.get(id);
    flash(req, { kind: 'success', message: `${name} is disabled: sessions have ended, API tokens are refused.` });
    res.redirect(303, paths.user(id));
  });

  router.post('/admin/users/:id/enable', async (req, res) => {
    const id = param(req, 'id');
    await users.enable(currentUser(req), id);
    const { name } = await users.get(id);
    flash(req, { kind: 'success', message: `${name} can sign in again. API tokens and schedules work as before.` });
    res.redirect(303, paths.user(id));
  });

  router.post('/admin/users/:id/sign-out', async (req, res) => {
    const id = param(req, 'id');
    const count = await users.signOutEverywhere(currentUser(req), id);
    const ended = count === 0 ? 'There was no session to end.' : `${plural(count, 'session')} ended.`;
    flash(req, { kind: 'success', message: ended });
    res.redirect(303, paths.user(id));
  });

  const showInvitations = async (
    res: Response,
    shown: Shown & { created?: Awaited<ReturnType<typeof invitations.invite>> } = {},
  ): Promise<void> => {
    const list = await invitations.list();
    const { created, ...form } = shown;
    render(res, 'users/invitations', {
      title: created ? 'The invitation is ready' : 'Invitations',
      section: 'users',
      invitations: list.map((invitation) => ({
        id: invitation.id,
        email: invitation.email,
        roleLabel: roleLabel(invitation.role),
        invitedBy: invitation.invitedBy,
        createdAt: formatDate(invitation.createdAt),
        expiresAt: formatDate(invitation.expiresAt),
        expired: isExpired(invitation),
      })),
      pending: list.filter((invitation) => !isExpired(invitation)).length,
      created: created && {
        email: created.invitation.email,
        link: created.link,
        expiresAt: formatDate(created.invitation.expiresAt),
        mail: mailText(created.mail, created.invitation.email),
      },
      ...form,
    });
  };

  router.get(paths.invitations, (_req, res) => showInvitations(res));

  router.post(paths.invitations, async (req, res) => {
    const again = (errors: FieldError[]) => {
      res.status(422);
      return showInvitations(res, { errors, values: typedValues(req.body, ['email', 'role']) });
    };
    const form = parseForm(invitationSchema, req.body);
    if (!form.ok) return again(form.errors);
    try {
      const created = await invitations.invite(currentUser(req), form.values);
      // Shown in this answer only: no redirect, because the link must stand neither in a session nor in an address.
      res.status(201).set('Cache-Control', 'no-store');
      await showInvitations(res, { created });
    } catch (error) {
      await again(fieldErrors(error));
    }
  });

  router.post('/admin/invitations/:id/withdraw', async (req, res) => {
    await invitations.withdraw(currentUser(req), param(req, 'id'));
    flash(req, { kind: 'success', message: 'The invitation is withdrawn. Its link is worth nothing any more.' });
    res.redirect(303, paths.invitations);
  });

  return router;
}
