/** The reference as Swagger UI shows it, in place of the plain list of calls. Where it cannot be loaded, the list stays. */

const place = document.querySelector('#reference');

/** Adds an element that loads a file, and waits for it. */
const load = (name, attributes) =>
  new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement(name), attributes, { onload: resolve, onerror: reject });
    document.head.append(element);
  });

/** Swagger UI is dark by a class. */
function followScheme() {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
  dark.addEventListener('change', follow);
  follow();
}

/** A call without a token is made by the session, whose changes carry its token. */
function withSession(request) {
  const token = document.querySelector('meta[name="csrf-token"]')?.content;
  const isOwn = new URL(request.url, location.href).origin === location.origin;
  if (token && isOwn && !request.headers.Authorization) request.headers['X-CSRF-Token'] = token;
  return request;
}

/** The description without what needs no room here: the session, which the browser has by itself, and the headers that all answers have. */
async function describe() {
  const description = await (await fetch(place.dataset.description)).json();
  delete description.components.securitySchemes.session;
  description.security = description.security.filter((one) => !('session' in one));
  for (const call of Object.values(description.paths).flatMap((methods) => Object.values(methods)))
    for (const { headers = {} } of Object.values(call.responses))
      for (const [name, header] of Object.entries(headers)) if ('$ref' in header) delete headers[name];
  return description;
}

/** Calls and the button for a token, inside the page's own main element and below its own heading. */
const ownLayout = ({ React: { createElement } }) => ({
  components: {
    HubLayout: ({ getComponent }) =>
      createElement(
        'div',
        { className: 'swagger-ui' },
        createElement(getComponent('SvgAssets')),
        createElement(getComponent('errors', true)),
        createElement(getComponent('AuthorizeBtnContainer', true)),
        createElement(getComponent('operations', true)),
      ),
  },
  // It stands in a button, which may hold no link.
  wrapComponents: { DeepLink: () => (link) => createElement('span', null, link.text) },
});

/** What Swagger UI leaves without a name, out of reach of the keyboard, or as one of several landmarks of one name. */
function mend() {
  const each = (selector, change) => place.querySelectorAll(selector).forEach(change);
  each('.body-param__text:not([aria-label])', (field) => field.setAttribute('aria-label', 'Request body'));
  each('.close-modal:not([aria-label])', (button) => button.setAttribute('aria-label', 'Close'));
  each('pre:not([tabindex])', (example) => (example.tabIndex = 0));
  each('table[role=region]', (table) => table.removeAttribute('role'));
}

async function start() {
  const { script, styles } = place.dataset;
  const [spec] = await Promise.all([
    describe(),
    load('script', { src: script }),
    ...styles.split(' ').map((href) => load('link', { rel: 'stylesheet', href })),
  ]);
  document.head.querySelector(`script[src="${script}"]`).remove();
  followScheme();
  new MutationObserver(mend).observe(place, { childList: true, subtree: true });
  globalThis.SwaggerUIBundle({
    spec,
    domNode: place,
    deepLinking: true,
    plugins: [ownLayout],
    layout: 'HubLayout',
    syntaxHighlight: false,
    requestInterceptor: withSession,
    onComplete: () => document.querySelector('#calls').remove(),
  });
}

await start();
