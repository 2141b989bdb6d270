import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express, { Router, type Request, type RequestHandler } from 'express';
import { rateLimit } from '../api/authentication.ts';
import { ASKED_PER_MINUTE } from '../api/ask.ts';
import { CALLS_PER_MINUTE } from '../api/index.ts';
import type { Context } from '../context.ts';
import { AppError, BadRequestError, ForbiddenError } from '../errors.ts';
import { bearerOf } from '../middleware/auth.ts';
import { refuseNul } from '../middleware/refuse-nul.ts';
import { currentUser } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import { createMcpServer } from './server.ts';

/** A request is one message; its longest value is a query. */
const BODY_LIMIT = '256kb';

/**
 * The MCP server by streamable HTTP, without sessions: any web process answers any request. Mounted before session and CSRF, because only
 * API tokens count here: no page of another site can send one. What is refused before a message is read is a problem, as in the JSON API.
 * Source: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
 */
export function mcpRoutes(context: Context, options: { callsPerMinute?: number; asksPerMinute?: number } = {}): Router {
  const { tokens } = context;

  const ownOrigin: RequestHandler = (req, _res, next) => {
    const origin = req.get('origin');
    if (origin !== undefined && origin !== new URL(context.config.baseUrl).origin)
      throw new ForbiddenError('The MCP server takes no requests from pages of other sites.', 'foreign_origin');
    next();
  };

  const byToken: RequestHandler = async (req, _res, next) => {
    const bearer = bearerOf(req);
    req.account = bearer === undefined ? undefined : await tokens.authenticate(bearer);
    if (!req.account)
      throw new AppError(
        401,
        'unauthenticated',
        'Send an API token of yours as "Authorization: Bearer <token>": this one is missing, not known or expired, or its user is disabled.',
      );
    next();
  };

  const postOnly: RequestHandler = (req, res, next) => {
    if (req.method === 'POST') return next();
    res.set('Allow', 'POST');
    throw new AppError(
      405,
      'method_not_allowed',
      'The MCP server has neither sessions nor streams: send messages by POST.',
    );
  };

  const limitAsking = rateLimit(options.asksPerMinute ?? ASKED_PER_MINUTE, 'questions');

  const router = Router();
  router.use(paths.mcp, (_req, res, next) => void next(void res.set('Cache-Control', 'no-store')));
  router.use(paths.mcp, ownOrigin, byToken, postOnly);
  router.use(paths.mcp, rateLimit(options.callsPerMinute ?? CALLS_PER_MINUTE));
  router.use(paths.mcp, express.json({ limit: BODY_LIMIT }), refuseNul);
  router.use(paths.mcp, (req, res, next) => (isQuestion(req) ? limitAsking(req, res, next) : next()));
  router.post(paths.mcp, async (req, res) => {
    // What is counted by requests must be one call each.
    if (Array.isArray(req.body)) throw new BadRequestError('bad_request', 'Send one message a request.');
    const server = createMcpServer(context, currentUser(req), req.requestId);
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
    // A client that left stops what is done for it.
    res.once('close', () => void server.close());
    await server.connect(transport);
    await transport.handleRequest(req, res, req.body);
  });
  return router;
}

function isQuestion({ body }: Request): boolean {
  const { method, params } = (body ?? {}) as { method?: unknown; params?: { name?: unknown } };
  return method === 'tools/call' && params?.name === 'ask';
}
