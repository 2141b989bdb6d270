import type { ConsentVendor } from '../sandbox/consent-page.ts';

export const OFFLINE = 'offline_access';
/** Source: https://developer.atlassian.com/cloud/confluence/scopes-for-oauth-2-3LO-and-forge-apps/ (2026). */
export const MOST_SCOPES = 50;

/** What is switched on for the stand-in's app, classic scopes and granular ones; what people read is in Atlassian's manner. */
const ALLOWS: Record<string, string> = {
  'read:me': 'View your profile details',
  [OFFLINE]: 'Keep access while you are away',
  'read:space:confluence': 'View space details',
  'read:page:confluence': 'View pages and blog posts',
  'read:attachment:confluence': 'View and download attachments',
  'read:comment:confluence': 'View comments',
  'read:folder:confluence': 'View folders',
  'read:whiteboard:confluence': 'View whiteboards',
  'read:database:confluence': 'View databases',
  'read:embed:confluence': 'View Smart Links in the content tree',
  'read:hierarchical-content:confluence': 'View hierarchical content',
  'read:content.metadata:confluence': 'View content summaries',
  'read:content-details:confluence': 'View content and its details',
  'read:label:confluence': 'View labels',
  'read:user:confluence': 'View user details',
  'search:confluence': 'Search Confluence',
  'read:confluence-user': 'View the names of people in Confluence',
  'read:confluence-content.all': 'View all content of Confluence',
  'read:confluence-content.summary': 'View content summaries of Confluence',
  'read:confluence-space.summary': 'View space summaries of Confluence',
  'readonly:content.attachment:confluence': 'Download attachments of Confluence',
  'read:jira-work': 'View projects, issues and their attachments in Jira',
  'read:jira-user': 'View the names of people in Jira',
  'manage:jira-webhook': 'Manage webhooks of Jira',
};

export const KNOWN_SCOPES: ReadonlySet<string> = new Set(Object.keys(ALLOWS));

export const ATLASSIAN: ConsentVendor = { name: 'Atlassian', account: 'Atlassian account', allows: ALLOWS };

/** Whose scope it is; undefined for those of the account itself. */
export function productOf(scope: string): 'confluence' | 'jira' | undefined {
  if (scope.includes('jira')) return 'jira';
  return scope.includes('confluence') ? 'confluence' : undefined;
}
