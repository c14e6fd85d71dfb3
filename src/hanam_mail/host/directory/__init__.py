"""The public directory of addresses (Đ11.5): made as files where the webmail's nginx is, and searched there."""
