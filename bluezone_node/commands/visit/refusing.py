"""What a person reads in Vietnamese where `visit` refuses; the English sentence follows it.

By reason: the sentences of errors are English in the whole program, and whoever scans a code at a
door may read none.
"""

from bluezone_node.errors import BadInput, BluezoneError, DatabaseUnusable, TimeUnknown

_PASTED = "Đừng mở; hãy báo cho người quản lý địa điểm, có thể ai đó đã dán đè mã giả."
_ASK = "Hãy báo cho người quản lý địa điểm."
_AGAIN = "Hãy quét lại, gần hơn và đủ sáng hơn."

REFUSALS = {
    "link_lookalike": f"Mã giả: đường dẫn chỉ giống đường dẫn thật. {_PASTED}",
    "link_userinfo": f"Mã giả: phần trước dấu @ không phải nơi đường dẫn dẫn tới. {_PASTED}",
    "link_homograph": "Đường dẫn có chữ cái lạ mà mã thật không bao giờ có. Nếu dùng máy quét, "
    "hãy tắt bộ gõ tiếng Việt và đặt bàn phím kiểu Mỹ (US). Nếu dùng điện thoại: mã giả. "
    f"{_PASTED}",
    "link_port": f"Đường dẫn có số cổng mà mã thật không bao giờ có. {_PASTED}",
    "link_http": f"Đường dẫn không được mã hóa: mã thật bắt đầu bằng https://. {_PASTED}",
    "link_path": f"Đường dẫn dẫn tới một trang mạng, không phải một địa điểm. {_PASTED}",
    "link_elsewhere": f"Đường dẫn dẫn tới nơi khác: đây không phải mã của địa điểm. {_PASTED}",
    "text_unknown": "Đây không phải mã của địa điểm: mã thật bắt đầu bằng https:// hoặc VNP1:.",
    "text_oversized": "Quá dài, không phải mã của địa điểm.",
    "card_version": "Mã do phiên bản mới hơn của phần mềm tạo ra: hãy cập nhật thiết bị này.",
    "card_unknown_signer": "Mã không do cơ quan được tin cậy ký: có thể là mã giả hoặc đã cũ. "
    + _ASK,
    "card_forged": f"Mã giả: chữ ký không phải của cơ quan y tế. {_ASK}",
    "card_revoked": "Mã này đã bị thu hồi: địa điểm có mã mới hơn, hoặc đã đóng cửa.",
    "card_not_yet": "Mã này chưa có hiệu lực.",
    "card_expired": "Mã này đã hết hạn: địa điểm cần in mã mới.",
    "trust_missing": "Thiết bị chưa biết mã nào là thật. Hãy kết nối mạng, chạy bluezone-node "
    "sync, rồi quét lại.",
    "clock_behind": "Ngày giờ của thiết bị này bị sai. Hãy chỉnh lại rồi quét lại.",
    "not_checked_in": "Hiện bạn chưa báo đến nơi nào.",
    "party": "Một lần quét là cho 1 đến 20 người.",
    "visit_times": "Giờ không hợp lệ: lượt ghé thăm phải kết thúc sau khi bắt đầu, không quá 23 "
    "giờ 45 phút, không ở tương lai và không quá 21 ngày trước.",
    "unknown_visit": "Không có lượt ghé thăm số này: bluezone-node visit list liệt kê tất cả.",
    "contact_malformed": "Tên là một dòng; số điện thoại có 8 đến 15 chữ số.",
    **dict.fromkeys(
        (
            "text_malformed",
            "cbor_malformed",
            "cose_malformed",
            "card_malformed",
            "card_oversized",
        ),
        f"Mã không đọc được trọn vẹn. {_AGAIN}",
    ),
}

_FOREIGN = "Đây là mã của nước ngoài, và không hợp lệ ở chính nước đó."
_DISK = "Không đọc hoặc ghi được dữ liệu trên thiết bị này."
_TIME = "Thiết bị chưa biết giờ đúng nên chưa thể ghi lượt ghé thăm."
_UNFORESEEN = "Không thực hiện được."


def in_vietnamese(error: BluezoneError) -> str:
    """Return the sentence for *error*, to be said before the English one."""
    if isinstance(error, BadInput):
        return REFUSALS.get(error.reason, _FOREIGN)
    if isinstance(error, DatabaseUnusable):
        return _DISK
    return _TIME if isinstance(error, TimeUnknown) else _UNFORESEEN
