// Turns the secret behind the # of a link into a session. The secret is taken out of the address at once.
const form = document.getElementById("sign-in");
const said = document.getElementById("said");

async function signIn(link) {
  said.textContent = "One moment …";
  let response;
  try {
    response = await fetch("/sign-in", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ link }),
    });
  } catch {
    said.textContent = "sayso isn't responding. Please try again.";
    return;
  }
  if (response.ok) {
    location.replace("/");
    return;
  }
  const problem = await response.json().catch(() => ({}));
  said.textContent = problem.detail ?? "That didn't work. Ask for another link.";
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  signIn(form.elements.link.value);
});

const secret = location.hash.slice(1);
if (secret) {
  history.replaceState(null, "", location.pathname);
  signIn(secret);
}
