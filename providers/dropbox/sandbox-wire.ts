import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import { escapeHtml } from '../escape-html.ts';
import { parseBlocks, type Block } from '../sandbox/blocks.ts';
import type { SandboxFile } from '../sandbox/sandbox-files.ts';
import { createContentHash } from './content-hash.ts';
import type { Node, Seen } from './sandbox-tree.ts';

const READ_AT_ONCE = 8;
/** Dropbox says a size and a hash for documents of the cloud too; they are not those of any export. */
const CLOUD_SIZE = 1234;

const hex = (text: string): string => createHash('sha256').update(text).digest('hex');
/** Dropbox's times have no fractions. */
const timeOf = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;

/** Formats a document of the cloud is exported to, the usual one first; [] for what has no export. */
export function exportFormats(file: SandboxFile): string[] {
  if (file.native === 'document') return ['html', 'markdown'];
  if (file.native === 'spreadsheet') return ['xlsx'];
  if (file.native === 'presentation') return ['pptx'];
  return [];
}

/** Files and folders in the shape of Dropbox's. Reads each version of a file once, for its hash. */
export function createMetadata(): (node: Node) => Promise<Record<string, unknown>> {
  const hashes = new Map<string, Promise<string>>();
  const reading = pLimit(READ_AT_ONCE);
  const hashOf = (file: SandboxFile): Promise<string> => {
    const key = `${file.id} ${file.version}`;
    const known = hashes.get(key);
    if (known) return known;
    const made = reading(async () => {
      const hash = createContentHash();
      hash.update(await file.bytes());
      return hash.digest();
    });
    hashes.set(key, made);
    return made;
  };

  return async (node) => {
    const { file, sharedFolderId } = node;
    const place = { name: node.name, id: node.id, path_lower: node.lower, path_display: node.path };
    if (node.kind === 'folder' || !file) {
      const noAccess = file?.canDownload === false;
      if (!noAccess && sharedFolderId === undefined) return { '.tag': 'folder', ...place };
      return {
        '.tag': 'folder',
        ...place,
        sharing_info: {
          read_only: noAccess,
          traverse_only: false,
          no_access: noAccess,
          ...(sharedFolderId === undefined ? {} : { shared_folder_id: sharedFolderId }),
        },
      };
    }
    const changed = timeOf(file.modifiedAt);
    const formats = exportFormats(file);
    const [usual, ...others] = formats;
    return {
      '.tag': 'file',
      ...place,
      client_modified: changed,
      server_modified: changed,
      rev: hex(`${file.id} ${file.version}`).slice(0, 15),
      size: file.native ? CLOUD_SIZE : file.sizeBytes,
      is_downloadable: !file.native,
      content_hash: file.native || file.shortcutTo ? hex(file.id) : await hashOf(file),
      ...(usual ? { export_info: { export_as: usual, ...(others.length > 0 ? { export_options: others } : {}) } } : {}),
      ...(file.shortcutTo ? { symlink_info: { target: file.shortcutTo } } : {}),
    };
  };
}

/** A document of the cloud in one of its formats. Paper is kept as the words it was written from. */
export async function exported(file: SandboxFile, format: string): Promise<Buffer> {
  if (file.native !== 'document') return file.bytes();
  const markdown = file.text ?? `# ${file.name}\n`;
  return Buffer.from(format === 'markdown' ? markdown : paperHtml(file.name, parseBlocks(markdown)));
}

function paperHtml(title: string, blocks: Block[]): string {
  const body = blocks.map(blockHtml).join('\n');
  return `<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>\n<body>\n${body}\n</body></html>\n`;
}

function blockHtml(block: Block): string {
  if (block.kind === 'heading') return `<h${block.level}>${escapeHtml(block.text)}</h${block.level}>`;
  if (block.kind === 'paragraph') return `<p>${escapeHtml(block.text)}</p>`;
  if (block.kind === 'break') return '<hr>';
  if (block.kind === 'list') {
    const tag = block.ordered ? 'ol' : 'ul';
    return `<${tag}>${block.items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')}</${tag}>`;
  }
  const rows = block.rows.map((row) => `<tr>${row.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`);
  return `<table>${rows.join('')}</table>`;
}

/** Which of its two roots the account's requests can ask for. */
export function rootInfo({ home, root, homePath }: Seen): Record<string, unknown> {
  return {
    '.tag': homePath === undefined ? 'user' : 'team',
    root_namespace_id: root.namespaceId,
    home_namespace_id: home.namespaceId,
    ...(homePath === undefined ? {} : { home_path: homePath }),
  };
}

/** An account in the shape of Dropbox's; those with a team space belong to a team. */
export function fullAccount(seen: Seen): Record<string, unknown> {
  const { account, accountId } = seen;
  const [given = '', ...rest] = account.name.split(' ');
  const tag = (name: string): Record<string, string> => ({ '.tag': name });
  const team = {
    id: 'dbtid:AAFdgehTzw7WlXhZJsbGCLePe8RvQGYDr-I',
    name: 'Team space',
    sharing_policies: {
      shared_folder_member_policy: tag('team'),
      shared_folder_join_policy: tag('from_anyone'),
      shared_link_create_policy: tag('team_only'),
      group_creation_policy: tag('admins_only'),
      shared_folder_link_restriction_policy: tag('anyone'),
      enforce_link_password_policy: tag('optional'),
      default_link_expiration_days_policy: tag('none'),
      shared_link_default_permissions_policy: tag('default'),
    },
    office_addin_policy: tag('disabled'),
    top_level_content_policy: tag('admin_only'),
  };
  const isMember = seen.homePath !== undefined;
  return {
    account_id: accountId,
    name: {
      given_name: given,
      surname: rest.join(' '),
      familiar_name: given,
      display_name: account.name,
      abbreviated_name: account.name.replace(/(\S)\S*\s*/g, '$1').slice(0, 2),
    },
    email: account.email,
    email_verified: true,
    disabled: false,
    locale: 'en',
    referral_link: 'https://www.dropbox.com/referrals/sandbox',
    is_paired: false,
    account_type: tag(isMember ? 'business' : 'basic'),
    root_info: rootInfo(seen),
    ...(isMember ? { team, team_member_id: `dbmid:${accountId.slice(5, 40)}` } : {}),
  };
}
