// What the search shows first, and below each result. The chapter whose title or topic is asked for stands first, then those that teach a word, before
// the pages that mention it, and these before the lists at the back; the words around a hit come from the small text beside each page, not from the page with its drawings.
const taught = document.currentScript.dataset.topics.split(" ");

const asked = (new URLSearchParams(location.search).get("q") ?? "").trim().toLowerCase();
const called = (title) => title.replace(/<span.*<\/span>/, "").toLowerCase();  // without the number before it
const topic = (name) => name.replace("chapters/", "").replaceAll("_", " ");
Scorer.score = ([name, title, anchor, , score]) =>
  Math.min(score, 20) +
  (taught.includes(name) ? 30 : name === "chapters/glossary" || name === "chapters/notation" ? 15 : 0) +
  (taught.includes(name) && !anchor && [called(title), topic(name)].includes(asked) ? 10 : 0);
DOCUMENTATION_OPTIONS.FILE_SUFFIX = ".txt";
