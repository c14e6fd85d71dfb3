// The words of the editor for rich text (TinyMCE): Debian's package has no Vietnamese, and shows what it has for English. And its colours.
"use strict";

// Elastic darkens the frames that are there when a page begins, and all of them at the switch; this one comes later.
rcmail.addEventListener("editor-load", ({ ref }) => {
  ref.editor.getDoc().documentElement.classList.toggle("dark-mode", document.documentElement.classList.contains("dark-mode"));
});

// Its script comes after this one, and before anybody makes an editor.
document.addEventListener("DOMContentLoaded", () => {
  window.tinymce?.addI18n("en", {
    "Redo": "Làm lại", "Undo": "Hoàn tác", "Cut": "Cắt", "Copy": "Sao chép", "Paste": "Dán", "Select all": "Chọn tất cả",
    "Ok": "Đồng ý", "Cancel": "Hủy", "Close": "Đóng", "Save": "Lưu", "Back": "Quay lại", "Apply": "Áp dụng", "Yes": "Có", "No": "Không",
    "Bold": "Đậm", "Italic": "Nghiêng", "Underline": "Gạch dưới", "Strikethrough": "Gạch ngang", "Superscript": "Chỉ số trên",
    "Subscript": "Chỉ số dưới", "Clear formatting": "Bỏ định dạng", "Align left": "Căn trái", "Align center": "Căn giữa",
    "Align right": "Căn phải", "Justify": "Căn đều hai bên", "Bullet list": "Danh sách dấu đầu dòng", "Numbered list": "Danh sách đánh số",
    "Decrease indent": "Giảm thụt lề", "Increase indent": "Tăng thụt lề", "Left to right": "Viết từ trái sang phải",
    "Right to left": "Viết từ phải sang trái", "Blockquote": "Trích dẫn", "Formats": "Định dạng", "Blocks": "Kiểu đoạn", "Paragraph": "Đoạn văn",
    "Fonts": "Phông chữ", "Font": "Phông chữ", "Font Sizes": "Cỡ chữ", "Size": "Cỡ", "System Font": "Phông của máy", "Line height": "Giãn dòng",
    "Text color": "Màu chữ", "Background color": "Màu nền", "Custom...": "Màu khác...", "Custom color": "Màu khác", "No color": "Không màu",
    "Remove color": "Bỏ màu", "Color Picker": "Bảng màu", "Color swatch": "Mẫu màu", "R": "Đỏ", "G": "Lục", "B": "Lam", "Red": "Đỏ",
    "Green": "Lục", "Blue": "Lam", "Yellow": "Vàng", "Orange": "Cam", "Purple": "Tím", "Black": "Đen", "White": "Trắng", "Gray": "Xám",
    "Turquoise": "Ngọc lam", "Navy Blue": "Xanh hải quân", "Dark Turquoise": "Ngọc lam đậm", "Dark Green": "Lục đậm", "Dark Red": "Đỏ đậm",
    "Dark Yellow": "Vàng đậm", "Dark Orange": "Cam đậm", "Dark Gray": "Xám đậm", "Dark Purple": "Tím đậm", "Dark Blue": "Lam đậm",
    "Medium Blue": "Lam vừa", "Medium Purple": "Tím vừa", "Medium Gray": "Xám vừa", "Midnight Blue": "Xanh đêm", "Light Gray": "Xám nhạt",
    "Light Green": "Lục nhạt", "Light Yellow": "Vàng nhạt", "Light Red": "Đỏ nhạt", "Light Purple": "Tím nhạt", "Light Blue": "Lam nhạt",
    "Horizontal line": "Đường kẻ ngang", "Nonbreaking space": "Dấu cách không ngắt", "Special character": "Ký tự đặc biệt",
    "Special character...": "Ký tự đặc biệt...", "Source code": "Mã nguồn", "Search": "Tìm", "All": "Tất cả", "Currency": "Tiền tệ", "Text": "Chữ",
    "Quotations": "Dấu trích dẫn", "Mathematical": "Toán học", "Extended Latin": "Chữ cái mở rộng", "Symbols": "Ký hiệu", "Arrows": "Mũi tên",
    "User Defined": "Tự chọn", "Insert\/edit link": "Chèn, sửa liên kết", "Link...": "Liên kết...", "Link": "Liên kết", "Url": "Địa chỉ",
    "Text to display": "Chữ hiển thị", "Title": "Tên gợi ý", "Open link in...": "Mở liên kết trong...", "Current window": "Cửa sổ này",
    "New window": "Cửa sổ mới", "None": "Không", "Open link": "Mở liên kết", "Remove link": "Bỏ liên kết",
    "Paste or type a link": "Dán hoặc nhập liên kết", "Insert\/edit image": "Chèn, sửa ảnh", "Image...": "Ảnh...", "Image": "Ảnh", "Source": "Nguồn",
    "Alternative description": "Mô tả ảnh", "Image description": "Mô tả ảnh", "Width": "Rộng", "Height": "Cao", "Dimensions": "Kích thước",
    "Constrain proportions": "Giữ tỷ lệ", "General": "Chung", "Advanced": "Nâng cao", "Upload": "Tải lên",
    "Drop an image here": "Thả ảnh vào đây", "Browse for an image": "Chọn ảnh", "OR": "HOẶC", "Failed to upload image: {0}": "Không tải được ảnh: {0}",
    "Insert\/edit media": "Chèn, sửa phim, âm thanh", "Media...": "Phim, âm thanh...", "Embed": "Nhúng", "Media": "Phim, âm thanh",
    "Alternative source URL": "Địa chỉ nguồn thay thế", "Media poster (Image URL)": "Địa chỉ ảnh bìa",
    "Paste your embed code below:": "Dán mã nhúng vào dưới đây:", "Find and replace...": "Tìm và thay...", "Find and Replace": "Tìm và thay",
    "Find": "Tìm", "Replace with": "Thay bằng", "Replace": "Thay", "Replace all": "Thay tất cả", "Previous": "Trước", "Next": "Sau",
    "Preferences": "Tùy chọn", "Match case": "Phân biệt hoa thường", "Find whole words only": "Chỉ tìm cả từ",
    "Find in selection": "Tìm trong phần đã chọn", "Could not find the specified string.": "Không tìm thấy.", "Table": "Bảng",
    "Insert table": "Chèn bảng", "Table properties": "Thuộc tính bảng", "Delete table": "Xóa bảng", "Cell": "Ô", "Row": "Hàng", "Column": "Cột",
    "Cell properties": "Thuộc tính ô", "Merge cells": "Gộp ô", "Split cell": "Tách ô", "Insert row before": "Chèn hàng trên",
    "Insert row after": "Chèn hàng dưới", "Delete row": "Xóa hàng", "Row properties": "Thuộc tính hàng", "Insert column before": "Chèn cột trái",
    "Insert column after": "Chèn cột phải", "Delete column": "Xóa cột", "Cell spacing": "Khoảng cách ô", "Cell padding": "Lề trong ô",
    "Caption": "Tên bảng", "Show caption": "Hiện tên bảng", "Alignment": "Căn lề", "Border": "Viền", "Left": "Trái", "Center": "Giữa",
    "Right": "Phải", "Default": "Mặc định", "Circle": "Hình tròn", "Disc": "Chấm tròn", "Square": "Hình vuông", "Lower Alpha": "Chữ thường",
    "Lower Greek": "Chữ Hy Lạp thường", "Lower Roman": "Số La Mã thường", "Upper Alpha": "Chữ hoa", "Upper Roman": "Số La Mã hoa",
    "Emoticons": "Biểu tượng cảm xúc", "Emoticons...": "Biểu tượng cảm xúc...", "More...": "Thêm...", "Error": "Lỗi",
    "Reveal or hide additional toolbar items": "Hiện hoặc ẩn các nút khác", "history": "hoàn tác", "styles": "kiểu", "formatting": "định dạng",
    "alignment": "căn lề", "indentation": "thụt lề",
    "To open the popup, press Shift+Enter": "Nhấn Shift+Enter để mở",
    "Rich Text Area. Press ALT-0 for help.": "Ô soạn thảo có định dạng.",
    "Rich Text Area. Press ALT-F9 for menu. Press ALT-F10 for toolbar. Press ALT-0 for help": "Ô soạn thảo có định dạng. Nhấn Alt-F10 để đến thanh công cụ.",
    "Rich Text Area": "Ô soạn thảo có định dạng",
    "Your browser doesn't support direct access to the clipboard. Please use the Ctrl+X\/C\/V keyboard shortcuts instead.":
      "Trình duyệt không cho dùng trực tiếp vùng nhớ tạm. Hãy nhấn Ctrl+X, Ctrl+C, Ctrl+V.",
    "The URL you entered seems to be an email address. Do you want to add the required mailto: prefix?":
      "Đây có vẻ là một địa chỉ thư. Có thêm mailto: vào trước không?",
    "The URL you entered seems to be an external link. Do you want to add the required http:\/\/ prefix?":
      "Đây có vẻ là liên kết ra ngoài. Có thêm http:// vào trước không?",
    "The URL you entered seems to be an external link. Do you want to add the required https:\/\/ prefix?":
      "Đây có vẻ là liên kết ra ngoài. Có thêm https:// vào trước không?",
  });
});
