// The page around GraphiQL: keeps the token for this tab, and sends it with every request.
(function () {
  'use strict';
  const token = document.getElementById('token');
  const language = document.getElementById('language');
  const hint = document.getElementById('hint');
  // A link of the form /#token=… fills the token in; the part after # is never sent to a server.
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  token.value = given || sessionStorage.getItem('relsum-token') || '';
  language.value = sessionStorage.getItem('relsum-language') || (navigator.language.startsWith('zh') ? 'zh-CN' : 'en');
  if (given) history.replaceState(null, '', location.pathname);

  const fetcher = async function (params) {
    const answer = await fetch('/graphql', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'accept': 'application/graphql-response+json, application/json;q=0.9',
        'accept-language': language.value,
        'authorization': 'Bearer ' + token.value.trim(),
      },
      body: JSON.stringify(params),
    });
    hint.textContent = answer.status === 401 ? 'The token is missing or not accepted.' : '';
    return answer.json();
  };

  const root = ReactDOM.createRoot(document.getElementById('graphiql'));
  const first = '# Paste a token above, then run this.\nquery {\n  viewer { name memberships { department role } }\n  reports(first: 5) {\n    totalCount\n    nodes { number version state product { name } }\n  }\n}\n';
  // A new key makes GraphiQL read the schema again, as the new caller.
  const draw = function () {
    sessionStorage.setItem('relsum-token', token.value);
    sessionStorage.setItem('relsum-language', language.value);
    root.render(React.createElement(GraphiQL, { key: token.value + language.value, fetcher: fetcher, defaultQuery: first }));
  };
  token.addEventListener('change', draw);
  language.addEventListener('change', draw);
  document.getElementById('who').addEventListener('submit', function (event) { event.preventDefault(); draw(); });
  draw();
})();
