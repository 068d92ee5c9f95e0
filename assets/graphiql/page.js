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

  const send = async function (params, accept) {
    const answer = await fetch('/graphql', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'accept': accept,
        'accept-language': language.value,
        'authorization': 'Bearer ' + token.value.trim(),
      },
      body: JSON.stringify(params),
    });
    hint.textContent = answer.status === 401 ? 'The token is missing or not accepted.' : '';
    return answer;
  };

  // A subscription is a stream of events, each with an answer; ending the iteration ends the request.
  const follow = async function* (params) {
    const answer = await send(params, 'text/event-stream, application/json;q=0.9');
    if (!(answer.headers.get('content-type') || '').startsWith('text/event-stream')) {
      yield await answer.json();
      return;
    }
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    try {
      for (let text = ''; ;) {
        const { done, value } = await reader.read();
        if (done) return;
        text += value;
        for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
          const event = /^event: next\ndata: (.*)$/.exec(text.slice(0, end));
          if (event) yield JSON.parse(event[1]);
        }
      }
    } finally {
      reader.cancel();
    }
  };

  // By the text: the syntax tree that GraphiQL hands over may still be that of the document before.
  const subscribes = function (params) {
    const text = params.query.replace(/"""[^]*?"""|"(?:\\.|[^"\\])*"|#.*/g, ' ');
    const asked = params.operationName ? new RegExp('\\bsubscription\\s+' + params.operationName + '\\b') : /(?:^|\})\s*subscription\b/;
    return asked.test(text);
  };

  const fetcher = async function (params) {
    if (subscribes(params)) return follow(params);
    return (await send(params, 'application/graphql-response+json, application/json;q=0.9')).json();
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
