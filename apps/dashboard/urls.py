"""The addresses of the pages."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from apps.dashboard.views import page

urlpatterns = [
    path("", page("fleet"), name="fleet"),
    path("hosts/<str:hostname>", page("host"), name="host-page"),
    path("gpus/<str:uuid>", page("gpu"), name="gpu-page"),
    path("pipeline", page("pipeline"), name="pipeline-page"),
    path("upload", page("upload"), name="upload-page"),
    path("login", LoginView.as_view(template_name="dashboard/login.html"), name="login"),
    path("logout", LogoutView.as_view(next_page="fleet"), name="logout"),
]
