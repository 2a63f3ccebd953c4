"""``/v``: where the link in a message leads, for whoever opens it in a browser.

The code is in the fragment, which the browser keeps to itself; this page does not look at it
either, and runs no script.  It says what to do with the link, in two languages.
"""

from base64 import b64encode
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:2rem auto;padding:0 1rem;"
    "color:#111;background:#fff}code{overflow-wrap:anywhere}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#111}}"
)
_PAGE = f"""\
<!doctype html>
<html lang="vi">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Mã xác nhận · Verification code</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Mã xác nhận của bạn</h1>
<p>Bạn nhận được đường dẫn này từ cơ quan y tế. Mã nằm sau dấu # trong đường dẫn, dùng được một lần
và trong thời gian ngắn.</p>
<ol>
<li>Chép toàn bộ đường dẫn trong tin nhắn.</li>
<li>Trên thiết bị Bluezone, gõ:<br>
<code>bluezone-node diagnosis report 'ĐƯỜNG-DẪN'</code></li>
<li>Thiết bị cho bạn xem những gì sẽ gửi và chỉ gửi khi bạn đồng ý. Không gửi tên, nơi chốn hay
danh sách người đã gặp.</li>
</ol>
<p>Đừng chuyển tiếp đường dẫn cho ai. Cơ quan y tế không bao giờ hỏi lại mã này.</p>
</main>
<hr>
<section lang="en">
<h2>Your verification code</h2>
<p>The health authority sent you this link. The code stands after the # in it; it works once, and
not for long.</p>
<ol>
<li>Copy the whole link from the message.</li>
<li>On your Bluezone device type:<br>
<code>bluezone-node diagnosis report 'LINK'</code></li>
<li>The device shows what would be sent, and sends it only if you agree. No name, no place, and
nobody you met.</li>
</ol>
<p>Do not pass the link on. The health authority never asks for this code.</p>
</section>
</body>
</html>
"""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; "
    f"style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "public, max-age=3600",
}


def landing_routes() -> list[Route]:
    """Return the route of the page that links in messages lead to."""

    def page(_request: Request) -> Response:
        return Response(_PAGE, headers=_HEADERS, media_type="text/html")

    return [Route("/v", page)]
