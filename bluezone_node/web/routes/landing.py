"""Where links lead, for whoever opens one in a browser: ``/`` from a poster, ``/v`` from a message.

The card or the code is in the fragment, which the browser keeps to itself; these pages do not look
at it either, and run no script.  They say what to do with the link, in two languages.
"""

from base64 import b64encode
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:2rem auto;padding:0 1rem;"
    "color:#111;background:#fff}code{overflow-wrap:anywhere}li{margin-bottom:.5rem}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#111}}"
)
_FRAME = """\
<!doctype html>
<html lang="vi">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main>
{vietnamese}</main>
<hr>
<section lang="en">
{english}</section>
</body>
</html>
"""
_PLACE = _FRAME.format(
    title="Mã của một địa điểm · The code of a place",
    style=_STYLE,
    vietnamese="""\
<h1>Bạn vừa quét mã của một địa điểm</h1>
<p><strong>Chưa có gì được ghi lại.</strong> Mã nằm sau dấu # trong đường dẫn, và trình duyệt không
gửi phần đó đi: máy chủ này không biết bạn đang ở đâu.</p>
<ul>
<li><strong>Có ứng dụng hoặc thiết bị Bluezone:</strong> quét mã bằng ứng dụng, không phải bằng máy
ảnh. Trên máy tính: <code>bluezone-node visit in -</code>, rồi dán đường dẫn. Lượt ghé thăm chỉ nằm
trên thiết bị của bạn. Không cần mạng.</li>
<li><strong>Không có:</strong> hỏi nhân viên ở cửa. Nơi có máy quét sẽ ghi lượt vào cho bạn bằng
phiếu giấy, thẻ hoặc số điện thoại.</li>
<li><strong>Không muốn cả hai:</strong> chép lại sáu ký tự in dưới hình vuông cùng ngày giờ. Khi
nghe tin có ca bệnh, gọi cơ quan y tế và đọc sáu ký tự ấy: họ cho biết địa điểm đó vào giờ đó có
liên quan hay không.</li>
</ul>
<p>Trang này không hỏi tên, số điện thoại, mật khẩu hay tiền. Trang nào hỏi là trang giả: hãy báo
nhân viên.</p>
""",
    english="""\
<h2>You scanned the code of a place</h2>
<p><strong>Nothing has been recorded.</strong> The code stands after the # of the link, which your
browser does not send: this server does not know where you are.</p>
<ul>
<li><strong>With a Bluezone app or device:</strong> scan the code with the app, not with the camera.
On a computer: <code>bluezone-node visit in -</code>, then paste the link. The visit stays on your
device alone. No network is needed.</li>
<li><strong>Without:</strong> ask the staff at the door. Where there is a kiosk they check you in by
a paper slip, a card or a telephone number.</li>
<li><strong>Neither:</strong> write down the six characters below the square, with day and time.
When you hear of a case, call the health authority and read them out: they can say whether that
place is concerned at that time.</li>
</ul>
<p>This page asks for no name, telephone number, password or money. One that does is a fake: tell
the staff.</p>
""",
)
_CODE = _FRAME.format(
    title="Mã xác nhận · Verification code",
    style=_STYLE,
    vietnamese="""\
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
""",
    english="""\
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
""",
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; img-src data:; "
    f"style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "public, max-age=3600",
}


def landing_routes() -> list[Route]:
    """Return the routes of the pages that links on posters and in messages lead to."""

    def place(_request: Request) -> Response:
        return Response(_PLACE, headers=_HEADERS, media_type="text/html")

    def code(_request: Request) -> Response:
        return Response(_CODE, headers=_HEADERS, media_type="text/html")

    return [Route("/", place), Route("/v", code)]
