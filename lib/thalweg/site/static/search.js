// What the search shows first, and below each result. The chapter that teaches a word stands before the pages that mention it, and these
// before the lists at the back; the words around a hit come from the small text beside each page, not from the page with its drawings.
const taught = document.currentScript.dataset.topics.split(" ");

Scorer.score = ([name, , , , score]) => Math.min(score, 20) + (taught.includes(name) ? 30 : name === "chapters/glossary" || name === "chapters/notation" ? 15 : 0);
DOCUMENTATION_OPTIONS.FILE_SUFFIX = ".txt";
